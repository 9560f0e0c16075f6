//! Configs on their way to executions.

use std::time::Duration;

use tidemill_core::ProjectName;
use tidemill_engine::directory::NewConfig;

use crate::mill::Mill;

#[tokio::test(start_paused = true)]
async fn every_execution_gets_those_of_its_function() {
    let mill = Mill::start().await;
    mill.deploy("plain", "description: no state").await;
    mill.deploy("actor", "state: function").await;
    let config = |name: &str, value: &str, is_secret| NewConfig {
        name: name.to_owned(),
        value: value.to_owned(),
        is_secret,
        targets: "plain, actor".to_owned(),
        creator: "ada".to_owned(),
        creator_is_admin: true,
    };
    let directory = mill.engine.directory();
    for new in [config("region", "north", false), config("key", "sesame", true)] {
        directory.create_config(&ProjectName::default(), new).await.expect("it is made");
    }
    for function in ["plain", "actor"] {
        let call = mill.calling(function, "");
        let queued = mill.submit(function, "").await;
        for _ in 0..2 {
            let begun = mill.stage.next().await;
            let configs: Vec<_> =
                begun.call.configs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            assert_eq!(configs, [("key", "sesame"), ("region", "north")]);
            begun.succeeds();
        }
        mill.ended(queued).await;
        call.await.expect("it ends").expect("it is answered");
    }
    directory.delete_config(&ProjectName::default(), "key").await.expect("it is deleted");
    mill.submit("plain", "").await;
    assert_eq!(mill.stage.next().await.call.configs.len(), 1);
    mill.pass(Duration::from_secs(1)).await;
}
