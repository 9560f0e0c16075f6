use serde_json::json;
use tidemill_core::access::{Role, Roles};

use super::*;
use crate::faces::abaco::{case::Case, fields::pairs, python::Json};

fn now() -> Timestamp {
    Timestamp::parse_rfc3339("2026-11-22T07:35:00Z").unwrap()
}

fn somebody(role: Role) -> Principal {
    Principal { project: "DEV".parse().unwrap(), user: "jdoe".to_owned(), roles: Roles::from([role]) }
}

fn by_json(case: Case, json: Value) -> Fields {
    Fields { case, json: Some(Json::from(&json)), ..Fields::default() }
}

fn read(json: Value, former: Option<&Definition>) -> Result<Definition, BadDescription> {
    Definition::read(&by_json(Case::Camel, json), former, &somebody(Role::User), &AbacoConfig::default(), now())
}

#[test]
fn an_image_is_enough() {
    let form = Fields { case: Case::Camel, form: pairs(b"image=abacosamples/test"), ..Fields::default() };
    let actor = Definition::read(&form, None, &somebody(Role::User), &AbacoConfig::default(), now()).unwrap();
    assert_eq!(actor.image, "abacosamples/test");
    assert!(actor.stateless && !actor.cron_on && !actor.privileged && actor.name.is_none());
    assert_eq!((actor.kind.as_str(), actor.queue.as_str(), &actor.token), ("none", "default", &json!("false")));
}

#[test]
fn what_is_wrong_is_named_in_the_server_s_spelling() {
    for (json, says) in [
        (json!({}), "{'image': 'Missing required parameter.'}"),
        (json!({"image": ""}), "{'image': "),
        (json!({"image": "a b"}), "{'image': "),
        (json!({"image": "x", "stateless": "yes"}), "{'stateless': "),
        (json!({"image": "x", "defaultEnvironment": "a"}), "{'defaultEnvironment': "),
        (json!({"image": "x", "defaultEnvironment": {"a=b": 1}}), "{'defaultEnvironment': "),
        (json!({"image": "x", "useContainerUid": "maybe"}), "{'useContainerUid': "),
        (json!({"image": "x", "hints": ["a'b"]}), "{'hints': "),
        (json!({"image": "x", "hints": {"a": 1}}), "{'hints': "),
        (json!({"image": "x", "type": "text"}), "{'type': "),
        (json!({"image": "x", "token": "maybe"}), "{'token': "),
        (json!({"image": "x", "logEx": "long"}), "{'logEx': "),
        (json!({"image": "x", "logEx": -1}), "{'logEx': "),
        (json!({"image": "x", "webhook": "ftp://a"}), "{'webhook': "),
        (json!({"image": "x", "webhook": "nonsense"}), "{'webhook': "),
        (json!({"image": "x", "maxWorkers": 0}), "{'maxWorkers': "),
        (json!({"image": "x", "maxCpus": -5}), "{'maxCpus': "),
        (json!({"image": "x", "memLimit": "much"}), "{'memLimit': "),
        (json!({"image": "x", "queue": "other"}), "Invalid actor description: Invalid queue name."),
        (json!({"image": "x", "stateless": false, "maxWorkers": 2}), "stateful actors can only have 1 worker."),
        (json!({"image": "x", "privileged": true}), "privileged actors are switched off on this server."),
        (json!({"image": "x", "cronSchedule": "often"}), "The cron is not in the correct format"),
        (json!({"image": "x", "cronOn": 1}), "{'cronOn': "),
    ] {
        let error = read(json.clone(), None).unwrap_err().to_string();
        assert!(error.contains(says), "{json}: {error}");
    }
    let snake = by_json(Case::Snake, json!({"image": "x", "default_environment": 1}));
    let error = Definition::read(&snake, None, &somebody(Role::User), &AbacoConfig::default(), now()).unwrap_err();
    assert!(error.to_string().contains("{'default_environment': "), "{error}");
}

#[test]
fn who_the_container_runs_as_is_for_admins_to_say() {
    let fields = by_json(Case::Camel, json!({"image": "x", "uid": "0", "gid": 0, "tasdir": "1/2", "status": "READY"}));
    for (role, uid) in [(Role::User, None), (Role::Privileged, None), (Role::Admin, Some("0"))] {
        let actor = Definition::read(&fields, None, &somebody(role), &AbacoConfig::default(), now()).unwrap();
        assert_eq!((actor.uid.as_deref(), actor.gid.as_deref()), (uid, uid), "{role:?}");
    }
}

#[test]
fn an_update_keeps_name_and_schedule_and_nothing_else() {
    let first = json!({
        "image": "x", "name": "mill", "description": "d", "hints": ["a"], "defaultEnvironment": {"k": null},
        "cronSchedule": "2026-11-22 09 + 1 hour", "logEx": 5, "stateless": false,
    });
    let former = read(first, None).unwrap();
    assert!(former.cron_on);
    let next = read(json!({"image": "x", "name": "other", "stateless": false}), Some(&former)).unwrap();
    assert_eq!((next.name.as_deref(), &next.cron, next.cron_on), (Some("mill"), &former.cron, true));
    assert_eq!((next.description.as_str(), next.hints.len(), next.log_ex), ("", 0, None));
    assert!(next.default_environment.is_empty());
    let off = read(json!({"image": "x", "cronOn": false, "stateless": false}), Some(&former)).unwrap();
    assert!(off.cron.is_some() && !off.cron_on);
    let error = read(json!({"image": "x"}), Some(&former)).unwrap_err().to_string();
    assert!(error.contains("cannot be updated to be stateless"), "{error}");
}

#[test]
fn a_schedule_given_again_goes_on() {
    let fields = |text: &str| by_json(Case::Camel, json!({"image": "x", "cronSchedule": text}));
    let later = Timestamp::parse_rfc3339("2026-11-22T12:00:00Z").unwrap();
    let config = AbacoConfig::default();
    for (text, begins) in [
        ("2026-11-22 09 + 1 hour", Some("@from 2026-11-22T09 every 1 hour")),
        ("now + 1 hour", Some("@from 2026-11-22T12 every 1 hour")),
    ] {
        let former = Definition::read(&fields(text), None, &somebody(Role::User), &config, now()).unwrap();
        let again = Definition::read(&fields(text), Some(&former), &somebody(Role::User), &config, later).unwrap();
        assert_eq!(again.cron.as_ref().map(|cron| cron.schedule.as_str()), begins, "{text}");
    }
}
