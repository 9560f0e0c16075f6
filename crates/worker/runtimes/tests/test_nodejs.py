"""Corners of the Node.js worker that no conformance case covers."""

import os
import signal
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from corners import Worker
from guest import EVENT, FAILED, nodejs_command, start


def worker(source, **hello):
    files = source if isinstance(source, dict) else {"function.js": source}
    return Worker(nodejs_command(), files, **hello)


class Loading(unittest.TestCase):
    def test_handlers_are_named_in_many_ways(self):
        files = {
            "main.js": "exports.first = () => 'first'; exports.second = () => 'second'",
            "lib/sub.js": "exports.third = () => 'third'",
        }
        named = {"main:first": b"first", "second": b"second", "main.js:second": b"second", "lib/sub:third": b"third", "lib/sub": b"third"}
        for handler, body in named.items():
            with self.subTest(handler), worker(files, handler=handler) as it:
                self.assertEqual(it.result().body, body)

    def test_the_file_is_chosen_by_package_json(self):
        files = {"package.json": '{"main": "start.js"}', "start.js": "module.exports = () => 's'", "main.js": "throw 1"}
        with worker(files) as it:
            self.assertEqual(it.result().body, b"s")

    def test_a_module_package_and_top_level_await(self):
        files = {"package.json": '{"type": "module"}', "main.js": "import './other.js'\nawait null\nexport const main = (p) => p", "other.js": ""}
        with worker(files) as it:
            self.assertEqual(it.result(b"x").body, b"x")

    def test_packages_of_the_environment_are_found(self):
        files = {
            "app/cjs.js": "module.exports = () => require('tide')",
            "app/esm.mjs": "import tide from 'tide'\nexport default () => tide",
        }
        for handler in ("app/cjs", "app/esm"):
            with self.subTest(handler), tempfile.TemporaryDirectory() as folder:
                package = os.path.join(folder, "node_modules", "tide")
                os.makedirs(package)
                with open(os.path.join(package, "index.js"), "w", encoding="utf-8") as file:
                    file.write("module.exports = 'tide'")
                for paths in ([folder], [os.path.join(folder, "node_modules")]):
                    with worker(files, handler=handler, paths=paths) as it:
                        self.assertEqual(it.result().body, b"tide")

    def test_no_choice_among_several_names_them(self):
        with worker({"one.js": "", "two.js": ""}) as it:
            self.assertEqual(it.loaded.kind, FAILED)
            self.assertIn("one.js, two.js", it.loaded.meta["message"])

    def test_errors_while_loading(self):
        for source, kind in {
            "exports.handler = (": "SyntaxError",
            "throw new RangeError('r')": "RangeError",
            "process.exit(0)": "SystemExit",
            "Promise.reject(new TypeError('t')); setTimeout(() => {}, 500)": "TypeError",
        }.items():
            with self.subTest(source), worker(source) as it:
                self.assertEqual((it.loaded.kind, it.loaded.meta["type"]), (FAILED, kind))
                self.assertEqual(it.guest.wait(), 1)


class Contracts(unittest.TestCase):
    def check(self, source, body, expected, content_type="application/json"):
        with worker(source) as it:
            self.assertEqual(it.result(body, content_type).body, expected)

    def test_parameters_of_every_form(self):
        self.check("module.exports = ({ a }, context) => a + context.worker_id", b'{"a":"x"}', b"xw-1")
        self.check("module.exports = async function* () {}; module.exports = (a = ',(', b = [1, 2]) => a + b", b'{"b":3}', b",(3")
        self.check("module.exports = (/* one, */ a, // two\n b) => a + b", b"[1,2]", b"3")
        self.check("module.exports = (...values) => values", b"[1,2]", b"[1,2]")
        self.check("exports.handler = function (ctx, e) { ctx.callback(e.method) }.bind(null)", b"", b"")

    def test_an_async_handler_may_use_the_callback(self):
        self.check("exports.handler = async (context, event) => { setTimeout(() => context.callback('late'), 5) }", b"", b"late")
        self.check("exports.handler = async (context, event) => {}", b"", b"null")

    def test_user_data_may_be_replaced(self):
        self.check("exports.initContext = (c) => { c.userData = { n: 1 } }\nexports.handler = (context, event) => context.userData.n", b"", b"1")

    def test_a_batch_of_payloads(self):
        with worker("exports.main = (payloads) => payloads.map((p) => p * 2)") as it:
            it.guest.send(EVENT, 1, {"batch": [{"id": "a", "size": 1}, {"id": "b", "size": 2}]}, b"121")
            self.assertEqual(it.next().body, b"242")

    def test_a_response_in_base64(self):
        self.check("exports.handler = (context, event) => new context.Response('AQI=', {}, 'image/png', 200, 'base64')", b"", b"\x01\x02")


    def test_a_header_may_be_an_array(self):
        source = "exports.handler = (context) => new context.Response('', { 'Set-Cookie': ['a=1', 'b=2'], 'X-N': [1, true] })"
        with worker(source) as it:
            headers = {"Set-Cookie": ["a=1", "b=2"], "X-N": ["1", "true"]}
            self.assertEqual(it.result().meta["headers"], headers)


class Trouble(unittest.TestCase):
    def test_what_one_call_logs_is_bounded(self):
        source = """
            exports.handler = (context, event) => {
              for (let n = 0; n < 40; n += 1) console.log('x'.repeat(60000))
              return 'done'
            }
        """
        with worker(source) as it:
            for _ in range(2):
                frame = it.result()
                self.assertEqual(frame.body, b"done")
                messages = [message for _, _, message in it.logs]
                it.logs.clear()
                self.assertLess(sum(map(len, messages)), 1_200_000)
                self.assertEqual(messages.count("log limit reached, further lines are dropped"), 1)
                self.assertEqual(messages[-1], "log limit reached, further lines are dropped")

    def test_errors_of_every_kind(self):
        source = """
            exports.handler = async (context, event) => {
              const kind = event.body.toString()
              if (kind === 'text') throw 'just text'
              if (kind === 'null') throw null
              if (kind === 'cause') throw new Error('outer', { cause: new TypeError('inner') })
              if (kind === 'symbol') return new context.Response('', {}, Symbol('x'))
              if (kind === 'headers') return new context.Response('', { x: 'y'.repeat(17e6) })
              return 'fine'
            }
        """
        with worker(source) as it:
            self.assertEqual(it.error(b"text")["message"], "just text")
            self.assertEqual(it.error(b"null")["message"], "null")
            self.assertIn("TypeError: inner", it.error(b"cause")["traceback"])
            self.assertEqual(it.error(b"symbol")["type"], "TypeError")
            self.assertEqual(it.error(b"headers")["type"], "RangeError")
            self.assertEqual(it.result().body, b"fine")

    def test_errors_between_many_open_calls_find_their_call(self):
        source = """
            let open
            const gate = new Promise((resolve) => { open = resolve })
            exports.handler = async (context, event) => {
              const kind = event.body.toString()
              if (kind === 'reject') { Promise.reject(new RangeError('left alone')); await new Promise(() => {}) }
              if (kind === 'throw') { setTimeout(() => { throw new TypeError('late') }, 1); await new Promise(() => {}) }
              if (kind === 'open') open()
              await gate
              return kind
            }
        """
        with worker(source) as it:
            for body in (b"wait", b"reject", b"throw"):
                it.send(body)
            failed = [it.next(), it.next()]
            self.assertEqual({f.stream: f.meta["type"] for f in failed}, {2: "RangeError", 3: "TypeError"})
            it.send(b"open")
            self.assertEqual(sorted((it.next().body, it.next().body)), [b"open", b"wait"])

    def test_an_error_of_no_call_is_logged(self):
        source = """
            setTimeout(() => { throw new Error('alone') }, 20)
            exports.handler = (context, event) => 'on'
        """
        with worker(source) as it:
            while not it.logs:
                self.assertEqual(it.result().body, b"on")
            self.assertIn("alone", it.logs[0][2])

    def test_a_second_answer_is_ignored(self):
        source = "exports.handler = (context, event) => { context.callback('one'); context.callback('two'); return 'three' }"
        with worker(source) as it:
            self.assertEqual([it.result().body for _ in range(3)], [b"one"] * 3)

    def test_a_hanging_function_has_shown_its_logs(self):
        with worker("exports.main = () => { console.log('before'); for (;;) {} }") as it:
            it.send()
            frame = it.guest.receive()
            self.assertEqual((frame.stream, frame.meta["message"]), (1, "before"))


class Life(unittest.TestCase):
    def test_a_worker_leaves_when_the_host_is_gone(self):
        with start(*nodejs_command()) as guest:
            guest.socket.close()
            self.assertEqual(guest.wait(), 0)
        with worker("setInterval(() => {}, 1000); exports.main = () => {}") as it:
            it.guest.socket.close()
            self.assertEqual(it.guest.wait(), 0)

    def test_ctrl_c_is_ignored(self):
        with worker("exports.main = () => 'on'") as it:
            os.kill(it.guest.pid, signal.SIGINT)
            self.assertEqual(it.result().body, b"on")

    def test_frames_may_come_in_pieces(self):
        with worker("exports.main = (p) => p") as it:
            data = it.guest.encode(EVENT, 1, {"content_type": "text/plain"}, b"bit by bit")
            for position in range(len(data)):
                it.guest.socket.sendall(data[position : position + 1])
            self.assertEqual(it.next().body, b"bit by bit")

    def test_a_large_reply_does_not_hold_memory(self):
        with worker("exports.main = (size) => 'x'.repeat(size)") as it:
            self.assertEqual(len(it.result(b"33554432", "application/json").body), 33554432)
            self.assertEqual(it.result(b"1", "application/json").body, b"x")
            self.assertLessEqual(os.fstat(it.guest.outgoing).st_size, 8 * 1024 * 1024)

    def test_drain_waits_for_open_calls(self):
        source = """
            let open
            const gate = new Promise((resolve) => { open = resolve })
            exports.handler = async (context, event) => {
              if (event.body.length) open()
              await gate
              return 'done'
            }
        """
        with worker(source) as it:
            it.send()
            it.send(b"open")
            it.guest.send(4, 0, {})
            self.assertEqual([it.next().body, it.next().body], [b"done", b"done"])
            self.assertIsNone(it.next())
            self.assertEqual(it.guest.wait(), 0)


if __name__ == "__main__":
    unittest.main()
