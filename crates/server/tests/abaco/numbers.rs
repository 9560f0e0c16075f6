//! Utilization and the pages of admins.

use serde_json::json;

use crate::{
    CASES,
    support::{Person, TestServer, until},
};

#[tokio::test]
async fn totals_count_what_is_there_and_what_was() {
    for case in CASES {
        let server = TestServer::start(case).await;
        let (k, admin) = (|snake: &str| server.k(snake), Person::Admin);
        let id = server.actor(Person::User, json!({})).await;
        let other = server.actor(Person::Elsewhere, json!({})).await;
        let gone = server.actor(Person::User, json!({})).await;
        server.run(Person::User, &id, "one").await;
        server.run(Person::User, &gone, "two").await;
        server.run(Person::User, &gone, "three").await;
        server.delete(Person::User, &format!("/actors/{gone}")).await.result();
        server.reaches(Person::Elsewhere, &other, "READY").await;
        until("idle workers", async || {
            server.get(admin, "/actors/admin/workers").await.result()["summary"][k("busy_workers")] == 0
        })
        .await;
        let utilization = server.get(Person::Limited, "/actors/utilization").await.result();
        assert_eq!((&utilization["currentActors"], &utilization["totalActors"]), (&json!(2), &json!(3)));
        assert!(utilization["workers"].as_u64() >= Some(2) && utilization["commandQueue"] == 0, "{utilization}");

        let actors = server.get(admin, "/actors/admin").await.result();
        let actor = &actors[0];
        assert_eq!((&actor["id"], &actor["tenant"]), (&json!(id), &json!("DEV-DEVELOP")));
        assert_eq!(actor[k("db_id")], format!("DEV-DEVELOP_{id}"));
        assert_eq!((&actor["messages"], &actor["executions"], &actor["runtime"]), (&json!(0), &json!(1), &json!(2)));
        assert!(actor["workers"][0]["id"].is_string());
        assert_eq!((actors.as_array().unwrap().len(), &actors[1]["tenant"]), (2, &json!("DEV-STAGING")));

        let workers = server.get(admin, "/actors/admin/workers").await.result();
        let summary = &workers["summary"];
        let total = workers["workers"].as_array().unwrap().len();
        assert_eq!((&summary[k("total_workers")], &summary[k("ready_workers")]), (&json!(total), &json!(total)));
        for member in ["requested_workers", "error_workers", "actors_no_workers"] {
            assert_eq!(summary[k(member)], 0, "{member}");
        }
        assert_eq!(workers["workers"][0][k("actor_dbid")], format!("DEV-DEVELOP_{id}"));

        let executions = server.get(admin, "/actors/admin/executions").await.result();
        let summary = &executions["summary"];
        for (member, value) in [
            ("total_actors_all", 3),
            ("total_actors_all_with_executions", 2),
            ("total_executions_all", 3),
            ("total_execution_runtime_all", 7),
            ("total_execution_cpu_all", 3000),
            ("total_execution_io_all", 30),
            ("total_actors_existing", 2),
            ("total_actors_existing_with_executions", 1),
            ("total_executions_existing", 1),
            ("total_execution_runtime_existing", 2),
            ("total_execution_cpu_existing", 1000),
            ("total_execution_io_existing", 10),
        ] {
            assert_eq!(summary[k(member)], value, "{member}");
        }
        assert_eq!(executions["actors"][0][k("total_executions")], 1);
        for path in ["/actors/admin", "/actors/admin/workers", "/actors/admin/executions"] {
            server.get(Person::Privileged, path).await.refuses(400, "Abaco Admin role required.");
        }
        server.end().await;
    }
}
