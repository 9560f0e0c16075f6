//! Cron schedules of actors.

use serde_json::{Value, json};
use tidemill_server::AbacoCase;

use crate::{
    CASES,
    support::{Person, TestServer, until},
};

#[tokio::test]
async fn a_schedule_of_now_runs_at_once_and_then_by_itself() {
    for case in CASES {
        let server = TestServer::start(case).await;
        let (k, user) = (|snake: &str| server.k(snake), Person::User);
        let hour = |offset: i64| {
            let now = jiff::Timestamp::now() + jiff::Span::new().hours(offset);
            let now = now.to_zoned(jiff::tz::TimeZone::UTC);
            format!("{}-{}-{} {}", now.year(), now.month(), now.day(), now.hour())
        };
        let description = json!({"image": "x", (k("cron_schedule")): "now + 2 hours"});
        // The hour may end between these lines.
        let (before, actor, after) = (hour(0), server.post(user, "/actors", description).await.result(), hour(0));
        assert_eq!((&actor[k("cron_on")], &actor[k("cron_schedule")]), (&json!(true), &json!("now + 2 hours")));
        assert!(actor[k("cron_next_ex")] == before || actor[k("cron_next_ex")] == after, "{actor}");
        let id = actor["id"].as_str().unwrap();
        let path = format!("/actors/{id}/executions");
        until("the first run", async || server.get(user, &path).await.result()["executions"] != json!([])).await;
        let first = server.get(user, &path).await.result()["executions"][0]["id"].as_str().unwrap().to_owned();
        let done = server.execution(user, id, &first, "COMPLETE").await;
        assert_eq!(done["executor"], "cron");
        let logs = server.logs(user, id, &first).await;
        assert!(logs.starts_with("Contents of MSG: This is your cron execution\n"), "{logs}");
        assert!(logs.contains("header x-abaco-content-type: str\n"), "{logs}");
        let shown = server.get(user, &format!("/actors/{id}")).await.result();
        assert!([hour(2), hour(1)].iter().any(|hour| shown[k("cron_next_ex")] == *hour), "{shown}");
        server.end().await;
    }
}

#[tokio::test]
async fn schedules_are_kept_switched_and_replaced() {
    let server = TestServer::start(AbacoCase::Camel).await;
    let user = Person::User;
    let id = server.actor(user, json!({"cronSchedule": "2078-09-6 20 + 3 months"})).await;
    let path = format!("/actors/{id}");
    let check = |actor: &Value, schedule: &str, next: &str, is_on: bool| {
        assert_eq!(
            (&actor["cronSchedule"], &actor["cronNextEx"], &actor["cronOn"]),
            (&json!(schedule), &json!(next), &json!(is_on))
        );
    };
    let first = ("2078-09-6 20 + 3 months", "2078-9-6 20");
    check(&server.get(user, &path).await.result(), first.0, first.1, true);
    let put = async |change: Value| {
        let mut description = json!({"image": "abacosamples/test"});
        for (name, value) in change.as_object().unwrap() {
            description[name] = value.clone();
        }
        server.put(user, &path, description).await
    };
    check(&put(json!({})).await.result(), first.0, first.1, true);
    check(&put(json!({"cronOn": false})).await.result(), first.0, first.1, false);
    check(&put(json!({})).await.result(), first.0, first.1, false);
    check(
        &put(json!({"cronSchedule": "2079-01-1 0 + 1 day"})).await.result(),
        "2079-01-1 0 + 1 day",
        "2079-1-1 0",
        true,
    );
    for (schedule, says) in [
        ("2019-06-21 14 + 6 decades", "The starting datetime is old."),
        ("2078-06-21 14 + 6 decades", "decades is an invalid unit of time"),
        ("12 + 1 hour", "The starting date 12 is not in the correct format"),
        ("sometimes", "The cron is not in the correct format"),
    ] {
        put(json!({"cronSchedule": schedule})).await.refuses(400, says);
        let description = json!({"image": "x", "cronSchedule": schedule});
        server.post(user, "/actors", description).await.refuses(400, says);
    }
    check(&server.get(user, &path).await.result(), "2079-01-1 0 + 1 day", "2079-1-1 0", true);
    server.end().await;
}
