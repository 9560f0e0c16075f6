use super::*;

fn document(value: Value) -> Document {
    match value {
        Value::Object(document) => document,
        other => panic!("{other} is no object"),
    }
}

fn execution() -> Document {
    document(json!({
        "id": "e1",
        "status": "COMPLETE",
        "exit_code": 0,
        "runtime": 2.5,
        "worker_id": null,
        "hints": ["sync", "fast one"],
        "stateless": true,
        "token": "false",
        "name": "5",
        "message_received_time": "2026-11-22T07:08:09.123Z",
        "final_state": {"OOMKilled": false, "ExitCode": 0, "StartedAt": "2026-11-22T07:08:10.5Z", "Error": ""},
        "mounts": [{"mode": "ro"}, {"mode": "rw"}],
    }))
}

fn finds(name: &str, value: &str, case: Case) -> bool {
    Search::parse(&[(name.to_owned(), value.to_owned())], case).unwrap().finds(&execution())
}

#[test]
fn filters() {
    for (name, value, found) in [
        ("status", "COMPLETE", true),
        ("status", "complete", false),
        ("status.eq", "COMPLETE", true),
        ("status.neq", "COMPLETE", false),
        ("status.neq", "ERROR", true),
        ("exit_code", "0", true),
        ("exit_code", "0.0", true),
        ("exit_code", "1", false),
        ("exit_code.lt", "1", true),
        ("exit_code.lt", "0", false),
        ("exit_code.lte", "0", true),
        ("exit_code.gt", "-1", true),
        ("exit_code.gte", "1", false),
        ("exit_code.gt", "text", false),
        ("runtime.between", "2,3", true),
        ("runtime.between", "2.5,2.5", true),
        ("runtime.between", "2.6, 3", false),
        ("status.in", r#"["COMPLETE", "READY"]"#, true),
        ("status.in", "[]", false),
        ("status.nin", r#"["COMPLETE"]"#, false),
        ("status.nin", r#"["READY"]"#, true),
        ("exit_code.in", "[0, 1]", true),
        ("status.like", "COMP", true),
        ("status.like", "^OMP", false),
        ("status.nlike", "^OMP", true),
        ("exit_code.like", "0", false),
        ("worker_id", "none", true),
        ("worker_id.neq", "None", false),
        ("nothing", "none", true),
        ("nothing", "1", false),
        ("nothing.neq", "1", true),
        ("stateless", "True", true),
        ("stateless", "false", false),
        ("token", "false", true),
        ("name", "5", true),
        ("name.neq", "5", false),
        ("hints", "sync", true),
        ("hints", r#"["sync", "fast one"]"#, true),
        ("hints.like", "^fast", true),
        ("final_state.OOMKilled", "false", true),
        ("final_state.ExitCode.gte", "0", true),
        ("final_state.ExitCode.x", "none", true),
        ("mounts.mode", "rw", true),
        ("mounts.mode", "xx", false),
        ("message_received_time.gt", "2026", true),
        ("message_received_time.lt", "2026-11-22T07:08:09.123Z", false),
        ("message_received_time.lte", "2026-11-22T07:08:09.123Z", true),
        ("message_received_time", "2026-11-22T07:08:09.123", true),
        ("message_received_time.gt", "2026-11-22T04-05:00", false),
        ("message_received_time.between", "2000-05:00,2200-01", true),
        ("message_received_time.in", r#"["2026-11-22T07:08:09.123Z"]"#, true),
        ("message_received_time", "none", false),
        ("final_state.StartedAt.gt", "2026-11-22T07:08:10", true),
        ("final_state.StartedAt.gt", "2026-11-22T07:08:11", false),
        ("message_received_time.like", "^2026", true),
    ] {
        assert_eq!(finds(name, value, Case::Snake), found, "{name}={value}");
        assert_eq!(finds(name, value, Case::Camel), found, "{name}={value}");
    }
    for (name, value) in
        [("exitCode", "0"), ("finalState.ExitCode", "0"), ("messageReceivedTime.gt", "2026-11"), ("workerId", "none")]
    {
        assert!(finds(name, value, Case::Camel), "{name}");
    }
}

#[test]
fn bad_searches_are_told() {
    for (name, value, says) in [
        ("skip", "-1", "skip must be a whole number, 0 or more"),
        ("limit", "many", "limit must be a whole number, 0 or more"),
        ("limit", "1.5", "limit must be a whole number, 0 or more"),
        ("create_time.gt", "soon", "\"soon\" is not a time"),
        ("create_time.between", "2026,soon", "\"soon\" is not a time"),
        ("status.in", "COMPLETE", "status.in takes a JSON list"),
        ("status.nin", "{}", "status.nin takes a JSON list"),
        ("runtime.between", "1", "runtime.between takes two values"),
        ("status.like", "(", "is not a regular expression"),
        ("status.like", "(a{1000}){1000}", "is not a regular expression"),
        (".eq", "1", "is not a name"),
        ("a..b", "1", "is not a name"),
    ] {
        let error = Search::parse(&[(name.to_owned(), value.to_owned())], Case::Snake).unwrap_err();
        assert!(error.to_string().contains(says), "{name}={value}: {error}");
    }
    let many: Vec<_> = (0..51).map(|n| (format!("a{n}"), "1".to_owned())).collect();
    assert!(Search::parse(&many, Case::Snake).is_err());
}

fn parse(query: &str) -> Search {
    let pairs: Vec<_> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    Search::parse(&pairs, Case::Camel).unwrap()
}

fn five() -> Vec<Document> {
    (0..5).map(|n| document(json!({"id": n, "description": "tide ".repeat(n), "create_time": null}))).collect()
}

#[test]
fn pages() {
    for (query, total, ids) in [
        ("", 5, vec![0, 1, 2, 3, 4]),
        ("skip=1&limit=2", 5, vec![1, 2]),
        ("skip=9", 5, vec![]),
        ("limit=0", 5, vec![]),
        ("id.gte=2&limit=2&x-nonce=abc", 3, vec![2, 3]),
        ("skip=18446744073709551615&limit=18446744073709551615", 5, vec![]),
    ] {
        let hits = parse(query).run(five());
        let found: Vec<u64> = hits.documents.iter().map(|one| one["id"].as_u64().unwrap()).collect();
        assert_eq!((hits.total, found), (total, ids), "{query}");
    }
}

#[test]
fn words_order_and_phrases_filter() {
    let ids = |query: &str| -> Vec<u64> {
        parse(query).run(five()).documents.iter().map(|one| one["id"].as_u64().unwrap()).collect()
    };
    assert_eq!(ids("search=TIDE+mill"), [4, 3, 2, 1, 0]);
    assert_eq!(ids("search=nothing"), [0, 1, 2, 3, 4]);
    assert_eq!(ids("exactsearch=Tide+tide"), [2, 3, 4]);
    assert_eq!(ids("exactsearch=%22tide+tide+tide%22"), [3, 4]);
}

#[test]
fn hits_keep_nulls() {
    let shown = parse("limit=1").run(five()).show(Case::Camel);
    assert_eq!(
        shown,
        json!({
            "_metadata": {"totalCount": 5, "countReturned": 1, "recordsSkipped": 0, "recordLimit": 1},
            "search": [{"id": 0, "description": "", "createTime": null}],
        })
    );
    let shown = parse("limit=0").run(five()).show(Case::Snake);
    assert_eq!(shown["_metadata"]["total_count"], 5);
}

#[test]
fn nonsense_never_panics() {
    for name in ["", ".", "..", "eq", "a.eq.eq", "ä.like", "create_time.", "a.between", "in", "\u{0}"] {
        for value in
            ["", ",", "[", "\\", "0x", "--", "9999999999999999999999", "ä-05:00", "2026-11-22T00:00:00.0000000001"]
        {
            if let Ok(search) = Search::parse(&[(name.to_owned(), value.to_owned())], Case::Camel) {
                search.finds(&execution());
            }
        }
    }
}

#[test]
fn large_members_are_judged_and_not_kept() {
    let of = |query: &[(&str, &str)]| {
        let query: Vec<_> = query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Finding::new(Search::parse(&query, Case::Snake).unwrap())
    };
    for (query, needs) in [
        (&[][..], false),
        (&[("status", "COMPLETE")], false),
        (&[("logs.like", "a")], true),
        (&[("search", "a")], true),
        (&[("exactsearch", "a")], true),
    ] {
        assert_eq!(of(query).needs("logs"), needs, "{query:?}");
    }
    for (query, total, page) in [
        (&[("exactsearch", "corn")][..], 3, vec![0, 2, 4]),
        (&[("exactsearch", "corn"), ("skip", "1"), ("limit", "1")], 3, vec![2]),
        (&[("search", "corn"), ("limit", "2")], 5, vec![4, 2]),
        (&[("search", "corn"), ("skip", "2"), ("limit", "2")], 5, vec![0, 1]),
        (&[("skip", "9")], 5, vec![]),
        (&[("limit", "0")], 5, vec![]),
    ] {
        let mut finding = of(query);
        for (id, logs) in ["corn", "wind", "corn corn", "water", "corn corn corn"].into_iter().enumerate() {
            finding.add(document(json!({"id": id, "logs": logs})), Some("logs"));
        }
        let hits = finding.hits();
        let ids: Vec<_> = hits.documents.iter().map(|one| one["id"].as_u64().unwrap()).collect();
        assert_eq!((hits.total, ids), (total, page), "{query:?}");
        assert!(hits.documents.iter().all(|one| !one.contains_key("logs")));
    }
}
