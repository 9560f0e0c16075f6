//! Requests that nobody sends in earnest: whatever comes is answered in the envelope, never as the server's own fault.

use bytes::Bytes;
use serde_json::json;
use tidemill_server::{AbacoCase, abaco_routes};

use crate::support::{Body, Person, TestServer};

/// Numbers that look like chance and are the same each time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % sides as u64).expect("it is small")
    }

    fn pick<'a>(&mut self, list: &[&'a str]) -> &'a str {
        list[self.roll(list.len())]
    }

    fn some(&mut self, list: &[&str], max: usize) -> String {
        (0..self.roll(max + 1)).map(|_| self.pick(list)).collect()
    }
}

const NAMES: [&str; 24] = [
    "image",
    "message",
    "name",
    "alias",
    "actorId",
    "user",
    "level",
    "num",
    "maxUses",
    "value",
    "isSecret",
    "actors",
    "stateless",
    "hints",
    "cronSchedule",
    "cronOn",
    "defaultEnvironment",
    "logEx",
    "memLimit",
    "maxCpus",
    "webhook",
    "link",
    "skip",
    "create_time.between",
];
const VALUES: [&str; 22] = [
    "x",
    "",
    "null",
    "true",
    "-1",
    "0",
    "99999999999999999999",
    "{}",
    "[]",
    "[1]",
    "\"\"",
    "\"\\u0000\"",
    "{\"a\":[{}]}",
    "\"now + 1 hour\"",
    "\"2078-1-1 0 + 1 day\"",
    "1e999",
    "\"http://\"",
    "\"%00\"",
    "\"ä\"",
    "'",
    "\"1g\"",
    "[\"a\",[]]",
];
const PARTS: [&str; 16] = [
    "a",
    "%2F",
    "%00",
    "%ff",
    "..",
    ".",
    "_",
    "=",
    "&",
    "x-nonce=",
    "DEV-DEVELOP_",
    "+",
    "%C3%A4",
    ".like=",
    "*(",
    "search=",
];

#[tokio::test]
async fn nothing_that_comes_is_the_server_s_fault() {
    let server = TestServer::start(AbacoCase::Camel).await;
    let id = server.actor(Person::Admin, json!({"stateless": false})).await;
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let routes = abaco_routes();
    for round in 0..1500 {
        let (verb, path) = routes[dice.roll(routes.len())];
        let mut path = path.replace("{actor}", if dice.roll(3) > 0 { &id } else { "a" });
        while let Some((before, after)) = path.clone().split_once('{') {
            let (_, after) = after.split_once('}').expect("braces are closed");
            path = format!("{before}{}{after}", dice.some(&PARTS[..8], 3));
        }
        // The actor stays for the next rounds.
        if verb == "DELETE" && path == format!("/actors/{id}") {
            continue;
        }
        let query = dice.some(&PARTS, 6);
        let target = if dice.roll(2) == 0 { path } else { format!("{path}?{query}") };
        let pair = |dice: &mut Dice| format!("\"{}\":{}", dice.pick(&NAMES), dice.pick(&VALUES));
        let members: Vec<String> = (0..dice.roll(6)).map(|_| pair(&mut dice)).collect();
        let json = format!("{{{}}}", members.join(","));
        let (content_type, body) = match dice.roll(6) {
            0 => ("application/json", json),
            1 => ("application/json", dice.some(&VALUES, 3)),
            2 => ("application/x-www-form-urlencoded", members.join("&").replace(['"', ':'], "=")),
            3 => ("multipart/form-data; boundary=b", format!("--b\r\n{}", dice.some(&PARTS, 9))),
            4 => ("application/octet-stream", dice.some(&PARTS, 9)),
            _ => ("text/plain", json),
        };
        let body = if verb == "GET" { Body::None } else { Body::Raw(content_type, Bytes::from(body.clone())) };
        if target.parse::<http::Uri>().is_err() {
            continue;
        }
        let answer = server.send(Person::Admin, verb, &target, body).await;
        assert!(answer.status < 500, "round {round}: {verb} {target}: {answer:?}");
        if answer.content_type != "application/octet-stream" && !answer.content_type.starts_with("text/html") {
            answer.envelope();
        }
    }
    server.run(Person::Admin, &id, "still there").await;
    server.end().await;
}

#[tokio::test]
async fn large_and_deep_bodies_are_bounded() {
    let server = TestServer::open(AbacoCase::Camel).await;
    let id = server.actor(Person::Nobody, json!({})).await;
    let path = format!("/actors/{id}/messages");
    let send = async |content_type: &'static str, body: String| {
        server.send(Person::Nobody, "POST", &path, Body::Raw(content_type, Bytes::from(body))).await
    };
    let list = |length: usize| format!("{{\"a\": [{}0]}}", "0,".repeat(length));
    send("application/json", list(1_000_000)).await.result();
    send("application/json", list(3_000_000)).await.refuses(400, "Message exceeds max content length of: 4194304");
    send("application/json", format!("{{\"a\": {}", "[".repeat(100_000))).await.refuses(400, "could not be serialized");
    let binary = send("application/octet-stream", "x".repeat(6_000_000)).await;
    assert_eq!(binary.result()["msg"], "binary - omitted");
    let text = format!("message={}", "x".repeat(1_000_000));
    assert_eq!(send("application/x-www-form-urlencoded", text).await.status, 200);
    server.end().await;
}

#[tokio::test]
async fn who_is_refused_gets_to_read_why_while_sending() {
    let server = TestServer::start(AbacoCase::Camel).await;
    let id = server.actor(Person::User, json!({})).await;
    let body = || Body::Raw("application/octet-stream", Bytes::from(vec![7; 8 * 1024 * 1024]));
    let path = format!("/actors/{id}/messages");
    server.send(Person::Nobody, "POST", &path, body()).await.refuses(400, "No JWT or nonce provided.");
    server.send(Person::Limited, "POST", &path, body()).await.refuses(400, "you do not have access to this actor.");
    server.end().await;
}
