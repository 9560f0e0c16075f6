"""Runs one conformance case (conformance/README.md) on one worker."""

import base64
import hashlib
import json
import os
import re

from guest import (
    CALL, CALLED, CANCEL, DRAIN, ERROR, EVENT, FAILED, HELLO, LOG, NEW_STATE, READY, RELEASE, REPLY, SEND, STATE,
)  # fmt: skip

SLOTS_MAX = 64


def body_of(item):
    """The bytes of an event's or an answer's body."""
    if "body_base64" in item:
        return base64.b64decode(item["body_base64"])
    if "body_repeat" in item:
        return item["body_repeat"]["text"].encode() * item["body_repeat"]["times"]
    return item.get("body", "").encode()


def for_runtime(expected, runtime):
    """The expectation with the members that differ for ``runtime`` replaced."""
    if not isinstance(expected, dict) or "per_runtime" not in expected:
        return expected
    merged = {name: value for name, value in expected.items() if name != "per_runtime"}
    return {**merged, **expected["per_runtime"].get(runtime, {})}


def check_text(what, actual, expected, name):
    if name in expected:
        assert actual == expected[name], f"{what}: {name} is {actual!r}, not {expected[name]!r}"
    pattern = expected.get(name + "_matches")
    if pattern is not None:
        assert re.search(pattern, actual or ""), f"{what}: {name} {actual!r} does not match {pattern!r}"


def media_type(content_type):
    return content_type.partition(";")[0].strip().lower()


def check_body(what, body, expected):
    if "body_json" in expected:
        actual = json.loads(body)
        assert actual == expected["body_json"], f"{what}: body is {actual!r}, not {expected['body_json']!r}"
    if "body_base64" in expected:
        assert body == base64.b64decode(expected["body_base64"]), f"{what}: body is {body!r}"
    if "body_size" in expected:
        assert len(body) == expected["body_size"], f"{what}: {len(body)} bytes"
    if "body_sha256" in expected:
        assert hashlib.sha256(body).hexdigest() == expected["body_sha256"], f"{what}: other bytes"
    if "body" in expected or "body_matches" in expected:
        check_text(what, body.decode(), expected, "body")


def check_reply(what, meta, body, shared, expected):
    """One response against one expectation."""
    assert expected.get("error") is None, f"{what}: a reply, not an error: {meta} {body[:200]!r}"
    if "status" in expected:
        assert meta.get("status", 200) == expected["status"], f"{what}: status {meta.get('status', 200)} {body[:300]!r}"
    if "content_type" in expected:
        actual = media_type(meta.get("content_type", "text/plain"))
        assert actual == media_type(expected["content_type"]), f"{what}: content type {actual}"
    headers = {name.lower(): value for name, value in (meta.get("headers") or {}).items()}
    for name, value in expected.get("headers", {}).items():
        assert headers.get(name) == value, f"{what}: header {name} is {headers.get(name)!r}"
    if "shared_memory" in expected:
        assert shared == expected["shared_memory"], f"{what}: shared memory is {shared}"
    check_body(what, body, expected)


def check_error(what, meta, expected):
    assert expected.get("error") is not None, f"{what}: an error: {meta.get('type')}: {meta.get('message')}\n{meta.get('traceback')}"
    expected = expected["error"]
    for name in ("type", "message", "traceback"):
        check_text(what, meta.get(name, ""), expected, name)
    assert "tidemill_worker" not in meta.get("traceback", "") and "runtimes/nodejs" not in meta.get("traceback", ""), (
        f"{what}: the traceback shows the wrapper: {meta['traceback']}"
    )
    if "status" in expected:
        assert meta.get("status", 500) == expected["status"], f"{what}: status {meta.get('status')}"


def check_logs(what, logs, expected):
    if expected is None:
        return
    shown = [(log["level"], log["message"][:200]) for log in logs]
    assert len(logs) == len(expected), f"{what}: logs {shown}"
    for log, item in zip(logs, expected):
        assert log["level"] == item["level"], f"{what}: logs {shown}"
        assert isinstance(log.get("time_us"), int), f"{what}: a log without time"
        assert len(log["message"].encode()) <= 65536, f"{what}: a log that is too long"
        check_text(what, log["message"], item, "message")
        for name, value in item.get("fields", {}).items():
            assert log.get("fields", {}).get(name) == value, f"{what}: log fields {log.get('fields')}"


def check_sends(what, sends, expected):
    """The messages of one call."""
    if "sends_count" in expected:
        assert len(sends) == expected["sends_count"], f"{what}: {len(sends)} messages"
    if "sends" not in expected:
        return
    assert len(sends) == len(expected["sends"]), f"{what}: {len(sends)} messages"
    for frame, item in zip(sends, expected["sends"]):
        for name, usual in (("function", None), ("key", None), ("content_type", ""), ("delay_ms", 0)):
            if name in item:
                actual = frame.meta.get(name, usual)
                assert actual == item[name], f"{what}: the {name} of a message is {actual!r}"
        headers = {name.lower(): value for name, value in frame.meta.get("headers", {}).items()}
        for name, value in item.get("headers", {}).items():
            assert headers.get(name) == value, f"{what}: header {name} of a message"
        check_body(f"{what}: message to {frame.meta['function']}", frame.body, item)


def check_state(what, state, expected):
    """The state that one call left, None when it left none."""
    if "state" in expected:
        assert state is not None, f"{what}: no new state"
        assert json.loads(state) == expected["state"], f"{what}: the state is {state[:300]!r}"
    if "state_changed" in expected:
        assert (state is not None) == expected["state_changed"], f"{what}: the new state is {state and state[:300]!r}"
    if state is not None and "state_size_min" in expected:
        assert len(state) >= expected["state_size_min"], f"{what}: the state has {len(state)} bytes"


class CaseRun:
    """One case on one guest."""

    def __init__(self, guest, folder, case, runtime):
        self.guest, self.folder, self.case, self.runtime = guest, folder, case, runtime
        self.logs = {}
        self.results = {}
        self.calls = {}
        self.held = []
        self.stored = set()  # streams with a CALL, SEND or STATE in shared memory
        self.scope = case.get("function", {}).get("state", "none")
        self.durable = {}  # key -> the state that is stored
        self.states = {}  # stream -> the new state
        self.sends = {}  # stream -> SEND frames

    def run(self):
        ready = self.hello()
        if ready is None:
            return
        send = self.case.get("send", "one_by_one")
        events = [self.event(index, event) for index, event in enumerate(self.case["events"])]
        if send == "batch":
            self.batch(events)
        elif send == "at_once":
            data = b"".join(self.frame(index, event) for index, event in enumerate(events))
            self.guest.socket.sendall(data)
            self.until(lambda: len(self.results) == len(events))
        else:
            for index, event in enumerate(events):
                self.guest.socket.sendall(self.frame(index, event))
                if self.case["events"][index].get("cancel"):
                    self.guest.send(CANCEL, index + 1, {"reason": "the case says so"})
                self.until(lambda: index + 1 in self.results)
        if send != "batch":
            self.check()
        self.drain()

    def hello(self):
        function = self.case.get("function", {})
        handler = function.get("handler", "")
        if isinstance(handler, dict):
            handler = handler.get(self.runtime, "")
        self.guest.send(
            HELLO,
            0,
            {
                "protocol": 1,
                "function": function.get("name", "conformance"),
                "project": "default",
                "revision": 1,
                "worker": "w-1",
                "handler": handler,
                "directory": self.folder,
                "paths": [],
                "env": {"PATH": os.environ["PATH"], **function.get("env", {})},
                "slots_max": SLOTS_MAX,
                "trigger": {"kind": "http", "name": "default-http"},
                "state": self.scope,
            },
        )
        while True:
            frame = self.guest.receive()
            assert frame is not None, f"the worker left: {self.guest.text()}"
            if frame.kind != LOG:
                break
            assert frame.stream == 0
            self.logs.setdefault(0, []).append(frame.meta)
        failed = for_runtime(self.case.get("failed"), self.runtime)
        if failed is not None:
            assert frame.kind == FAILED, f"the function loaded: {frame}"
            for name in ("type", "message", "traceback"):
                check_text("loading", frame.meta.get(name, ""), failed, name)
            assert self.guest.receive() is None and self.guest.wait() == 1
            return None
        assert frame.kind == READY, f"loading failed: {frame.meta.get('type')}: {frame.meta.get('traceback')}"
        ready = for_runtime(self.case.get("ready", {}), self.runtime)
        slots = frame.meta["slots"]
        assert frame.meta["protocol"] == 1 and 1 <= slots <= SLOTS_MAX
        if "slots" in ready:
            assert slots > 1 if ready["slots"] == "many" else slots == ready["slots"], f"{slots} slots"
        check_text("ready", frame.meta.get("contract"), ready, "contract")
        check_logs("loading", self.logs.pop(0, []), ready.get("logs"))
        return frame

    def event(self, index, event):
        meta = {"id": f"event-{index}", "attempt": 1, "time_us": 1763769600000000}
        meta["trigger"] = {"kind": "http", "name": "default-http"}
        names = "id time_us method path query headers content_type type source subject key caller configs".split()
        meta.update({name: event[name] for name in names if name in event})
        self.calls[index + 1] = list(event.get("calls", []))
        return meta, body_of(event)

    def frame(self, index, event):
        frame = self.guest.encode(EVENT, index + 1, *event)
        if self.scope == "none":
            return frame
        key = self.key(index)
        if "stored" in self.case["events"][index]:
            self.durable[key] = self.case["events"][index]["stored"].encode()
        return self.guest.encode(STATE, index + 1, {}, self.durable.get(key, b"")) + frame

    def key(self, index):
        return self.case["events"][index].get("key", "") if self.scope == "key" else ""

    def until(self, done):
        while not done():
            self.take(self.guest.receive())

    def take(self, frame):
        assert frame is not None, f"the worker left: {self.guest.text()}"
        stream = frame.stream
        if frame.kind == LOG:
            assert stream not in self.results, f"a log after its reply: {frame}"
            self.logs.setdefault(stream, []).append(frame.meta)
        elif frame.kind == CALL:
            self.called(frame)
        elif frame.kind in (SEND, NEW_STATE):
            assert stream not in self.results and 1 <= stream <= len(self.case["events"]), f"not due: {frame}"
            if frame.shared:
                self.stored.add(stream)
            if frame.kind == SEND:
                self.sends.setdefault(stream, []).append(frame)
            else:
                assert self.scope != "none", f"a state of a function without state: {frame}"
                self.states[stream] = frame.body
        else:
            assert frame.kind in (REPLY, ERROR), f"not due: {frame}"
            assert stream not in self.results and 1 <= stream <= len(self.case["events"]), f"not due: {frame}"
            self.results[stream] = frame
            if frame.kind == ERROR:
                self.states.pop(stream, None)
                self.sends.pop(stream, None)
            elif stream in self.states:
                self.durable[self.key(stream - 1)] = self.states[stream]
            self.guest.answered(stream)
            if frame.shared or stream in self.stored:
                self.guest.send(RELEASE, stream, {})

    def called(self, frame):
        what = f"call of event {frame.stream - 1}"
        assert self.calls.get(frame.stream), f"{what}: not due: {frame}"
        call = self.calls[frame.stream].pop(0)
        expected = call["expect"]
        for name in ("function", "method", "path"):
            check_text(what, frame.meta.get(name), expected, name)
        if "content_type" in expected:
            assert media_type(frame.meta.get("content_type", "")) == expected["content_type"], what
        headers = {name.lower(): value for name, value in frame.meta.get("headers", {}).items()}
        for name, value in expected.get("headers", {}).items():
            assert headers.get(name) == value, f"{what}: header {name}"
        assert frame.shared == expected.get("shared_memory", frame.shared), what
        check_body(what, frame.body, expected)
        if frame.shared:
            self.stored.add(frame.stream)
        self.held.append((frame, call["answer"]))
        if self.case.get("answer_calls") != "last_first":
            self.answer_held()
        elif len(self.held) == len(self.case["events"]):
            self.answer_held()

    def answer_held(self):
        for frame, answer in reversed(self.held):
            meta = {name: value for name, value in answer.items() if not name.startswith("body")}
            self.guest.send(CALLED, frame.stream, {"call": frame.meta["call"], **meta}, body_of(answer))
        self.held.clear()

    def check(self):
        for index, expected in enumerate(self.case["expect"]):
            what = f"event {index}"
            expected = for_runtime(expected, self.runtime)
            frame = self.results[index + 1]
            assert isinstance(frame.meta.get("user_us", 0), int)
            if frame.kind == ERROR:
                check_error(what, frame.meta, expected)
            else:
                check_reply(what, frame.meta, frame.body, frame.shared, expected)
            check_logs(what, self.logs.pop(index + 1, []), expected.get("logs"))
            check_sends(what, self.sends.get(index + 1, []), expected)
            check_state(what, self.states.get(index + 1), expected)
            assert not self.calls[index + 1], f"{what}: calls that did not come"

    def batch(self, events):
        metas = [{**meta, "size": len(body)} for meta, body in events]
        configs = [meta.pop("configs") for meta in metas if "configs" in meta]
        once = {"configs": configs[0]} if configs else {}
        self.guest.send(EVENT, 1, {"batch": metas, **once}, b"".join(body for _, body in events))
        self.until(lambda: 1 in self.results)
        frame = self.results[1]
        assert frame.kind == REPLY, f"{frame.meta}"
        replies, start = {}, 0
        for member in frame.meta["batch"]:
            replies[member["event_id"]] = (member, frame.body[start : start + member["size"]])
            start += member["size"]
        assert start == len(frame.body)
        for (meta, _), expected in zip(events, self.case["expect"]):
            member, body = replies.pop(meta["id"])
            check_reply(f"event {meta['id']}", member, body, frame.shared, for_runtime(expected, self.runtime))
        assert not replies, f"responses to no event: {list(replies)}"

    def drain(self):
        self.guest.send(DRAIN, 0, {})
        while True:
            frame = self.guest.receive()
            if frame is None:
                break
            assert frame.kind == LOG and frame.stream == 0, f"after DRAIN: {frame}"
            self.logs.setdefault(0, []).append(frame.meta)
        assert self.guest.wait() == 0, f"exit status {self.guest.status}: {self.guest.text()}"
        check_logs("draining", self.logs.get(0, []), self.case.get("drained", {}).get("logs"))


def load_case(folder):
    with open(os.path.join(folder, "case.json"), encoding="utf-8") as file:
        return json.load(file)
