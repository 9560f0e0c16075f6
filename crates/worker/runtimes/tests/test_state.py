"""Corners of state, messages and contexts that no conformance case covers, and workers that inherit no descriptors."""

import json
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from cases import CaseRun, load_case
from corners import Worker
from guest import EVENT, RELEASE, RUNTIMES, STATE, nodejs_command, python_command, start

CONFORMANCE = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(RUNTIMES))), "conformance")


def python(source, **hello):
    return Worker(python_command(), {"function.py": source}, **hello)


def nodejs(source, **hello):
    return Worker(nodejs_command(), {"function.js": source}, **hello)


class Contexts(unittest.TestCase):
    def test_all_contexts_of_a_worker_have_the_same_attributes(self):
        source = """
            import nuclio_sdk
            def init_context(context):
                context.client = ["from init"]
                context.user_data.n = 1
            {}def handler(context, event):
                assert isinstance(context, nuclio_sdk.Context)
                context.user_data.n += 1
                context.calls = getattr(context, "calls", 0) + 1
                return [context.client[0], context.user_data.n, context.calls, context.worker_id, context.trigger.name]
        """
        for state in ("none", "function"):
            for prefix in ("", "async "):
                with self.subTest(state=state, prefix=prefix), python(source.format(prefix), state=state) as it:
                    self.assertEqual(it.result().body, b'["from init",2,1,"w-1",""]')
                    self.assertEqual(it.result().body, b'["from init",3,2,"w-1",""]')

    def test_init_has_no_state_and_sends_nothing(self):
        for what in ("context.state", "context.send('f')"):
            with self.subTest(what), python(f"def init_context(context): {what}\ndef main(p): pass", state="key") as it:
                self.assertIn("only while an event is being handled", it.loaded.meta["message"])
        with nodejs("exports.initContext = (c) => c.state; exports.main = () => 1", state="key") as it:
            self.assertIn("only while an event is being handled", it.loaded.meta["message"])

    def test_a_plain_function_may_ask_for_the_context(self):
        with python("def add(n, context): context.state = context.state or 0; context.state += n", state="function") as it:
            for _ in range(3):
                it.result(b"2", "application/json")
            self.assertEqual(it.durable, b"6")
        with nodejs("module.exports = (n, context) => { context.state.n = (context.state.n ?? 0) + n }", state="function") as it:
            for _ in range(3):
                it.result(b"2", "application/json")
            self.assertEqual(it.durable, b'{"n":6}')

    def test_the_sdk_works_outside_of_a_worker(self):
        sys.path.insert(0, os.path.join(RUNTIMES, "python"))
        import nuclio_sdk

        context = nuclio_sdk.Context()
        context.state["n"] = 1
        self.assertEqual(context.state, {"n": 1})
        with self.assertRaisesRegex(RuntimeError, "needs a running worker"):
            context.send("f")


class Configs(unittest.TestCase):
    def test_they_belong_to_one_call(self):
        source = """
            import nuclio_sdk
            {}def handler(context, event):
                assert isinstance(context, nuclio_sdk.Context)
                found = dict(context.configs)
                context.configs["left"] = "behind"
                assert context.configs["left"] == "behind"
                return found
        """
        for state in ("none", "function"):
            for prefix in ("", "async "):
                with self.subTest(state=state, prefix=prefix), python(source.format(prefix), state=state) as it:
                    self.assertEqual(it.result(configs={"a": "1"}).body, b'{"a":"1"}')
                    self.assertEqual(it.result().body, b"{}")
        source = """
            exports.handler = {}(context) => {{
              const found = {{ ...context.configs }}
              context.configs.left = 'behind'
              if (context.configs.left !== 'behind') throw new Error('decoded twice')
              return found
            }}
        """
        for prefix in ("", "async "):
            with self.subTest(nodejs=prefix), nodejs(source.format(prefix)) as it:
                self.assertEqual(it.result(configs={"a": "1"}).body, b'{"a":"1"}')
                self.assertEqual(it.result().body, b"{}")

    def test_a_plain_function_finds_them_in_its_context(self):
        with python("def add(n, context): return context.configs['unit'] * n") as it:
            self.assertEqual(it.result(b"2", "application/json", configs={"unit": "m"}).body, b"mm")
        with nodejs("module.exports = (n, context) => context.configs.unit.repeat(n)") as it:
            self.assertEqual(it.result(b"2", "application/json", configs={"unit": "m"}).body, b"mm")

    def test_threads_of_a_call_find_them(self):
        source = """
            from concurrent.futures import ThreadPoolExecutor
            def handler(context, event):
                with ThreadPoolExecutor(2) as pool:
                    return pool.submit(lambda: context.configs["a"]).result()
        """
        for state in ("none", "function"):
            with self.subTest(state), python(source, state=state) as it:
                self.assertEqual(it.result(configs={"a": "1"}).body, b"1")

    def test_init_has_none(self):
        with python("def init_context(context): context.configs\ndef main(p): pass") as it:
            self.assertIn("only while an event is being handled", it.loaded.meta["message"])
        with nodejs("exports.initContext = (c) => c.configs; exports.main = () => 1") as it:
            self.assertIn("only while an event is being handled", it.loaded.meta["message"])

    def test_a_function_may_use_the_name_for_something_of_its_own(self):
        source = """
            def init_context(context): context.configs = "own"
            def handler(context, event): return context.configs
        """
        for state in ("none", "function"):
            with self.subTest(state), python(source, state=state) as it:
                self.assertEqual(it.result(configs={"a": "1"}).body, b"own")
        with nodejs("'use strict'; exports.handler = (context) => { context.configs = 'own'; return context.configs }") as it:
            self.assertEqual(it.result(configs={"a": "1"}).body, b"own")

    def test_the_event_does_not_show_them(self):
        with python("def handler(context, event): return event.to_json()") as it:
            self.assertNotIn(b"hidden", it.result(configs={"a": "hidden"}).body)
        with nodejs("exports.handler = (context, event) => JSON.stringify([event, require('util').inspect(event, { depth: 9 })])") as it:
            self.assertNotIn(b"hidden", it.result(configs={"a": "hidden"}).body)
        with nodejs("exports.handler = (context) => require('util').inspect(context, { depth: 9, showHidden: true })") as it:
            self.assertNotIn(b"hidden", it.result(configs={"a": "hidden"}).body)

    def test_the_sdk_has_them_outside_of_a_worker(self):
        sys.path.insert(0, os.path.join(RUNTIMES, "python"))
        import nuclio_sdk

        context = nuclio_sdk.Context()
        self.assertEqual(context.configs, {})
        context.configs = {"a": "1"}
        self.assertEqual(context.configs["a"], "1")


class State(unittest.TestCase):
    def test_threads_of_a_call_share_its_state(self):
        source = """
            from concurrent.futures import ThreadPoolExecutor
            def handler(context, event):
                def add(n): context.state[str(n)] = n
                with ThreadPoolExecutor(4) as pool:
                    list(pool.map(add, range(4)))
        """
        with python(source, state="function") as it:
            it.result()
            self.assertEqual(json.loads(it.durable), {"0": 0, "1": 1, "2": 2, "3": 3})

    def test_what_a_call_left_running_cannot_touch_the_next_one(self):
        source = """
            import threading
            gate, done = threading.Event(), threading.Event()
            said = []
            def late(context):
                gate.wait()
                for use in (lambda: context.state, lambda: context.send("f")):
                    try: use()
                    except RuntimeError as error: said.append(str(error))
                done.set()
            def handler(context, event):
                if event.body == b"leave":
                    threading.Thread(target=late, args=(context,), daemon=True).start()
                    return ""
                gate.set()
                done.wait()
                return said
        """
        with python(source, state="function") as it:
            it.result(b"leave")
            self.assertEqual(it.result().body.count(b"can be used only while an event is being handled"), 2)
            self.assertEqual((it.durable, it.sends), (b"", []))
        source = """
            let kept
            exports.handler = (context, event) => {
              if (!kept) { kept = context; return 'kept' }
              try { return kept.state } catch (error) { return error.message }
            }
        """
        with nodejs(source, state="function") as it:
            it.result()
            self.assertIn(b"only while an event is being handled", it.result().body)

    def test_a_state_whose_event_never_came_is_forgotten(self):
        for worker in (python("def handler(context, event): return context.state", state="function"),
                       nodejs("exports.handler = (context, event) => context.state", state="function")):  # fmt: skip
            with worker as it:
                it.guest.send(STATE, 7, {}, b'{"old":1}')
                it.guest.send(RELEASE, 7, {})
                it.guest.send(EVENT, 7, {"id": "e"})
                self.assertEqual(it.next().body, b"{}")

    def test_every_text_comes_back(self):
        texts = ["\\u0000", "\\ud800", "\\ud83c\\udf0a", '\\"']
        with python("import json\ndef handler(context, event): context.state = json.loads(event.body)", state="function") as it:
            for text in texts:
                it.result(f'["{text}"]'.encode())
                self.assertEqual(json.loads(it.durable), json.loads(f'["{text}"]'))
        with nodejs("exports.handler = (c, e) => { c.state = JSON.parse(e.body); return 'ok' }", handler="handler", state="function") as it:
            for text in texts:
                it.result(f'["{text}"]'.encode())
                self.assertEqual(json.loads(it.durable), json.loads(f'["{text}"]'))

    def test_a_stored_number_that_the_language_cannot_hold_may_be_replaced(self):
        with python("def handler(context, event): context.state = 1", state="function") as it:
            it.durable = b"1" * 5000
            it.result()
            self.assertEqual(it.durable, b"1")

    def test_another_spelling_of_the_same_value_is_no_change(self):
        for worker in (python("def handler(context, event): return str(len(context.state))", state="function"),
                       nodejs("exports.handler = (c, e) => String(Object.keys(c.state).length)", state="function")):  # fmt: skip
            with worker as it:
                it.durable = b' {"a" : 1, "b": "\\u00fc"}\n'
                before = it.durable
                self.assertEqual(it.result().body, b"2")
                self.assertEqual(it.durable, before)


class Messages(unittest.TestCase):
    def test_messages_have_the_usual_types(self):
        source = """
            import datetime
            def handler(context, event):
                context.send("f", "t"); context.send("f", b"b"); context.send("f", [1], delay=datetime.timedelta(minutes=1))
                context.send("f", "h", content_type="text/html")
        """
        with python(source) as it:
            it.result()
            types = [meta["content_type"] for _, meta, _ in it.sends]
            self.assertEqual(types, ["text/plain", "application/octet-stream", "application/json", "text/html"])
            self.assertEqual([meta.get("delay_ms") for _, meta, _ in it.sends], [None, None, 60000, None])

    def test_a_destructured_send_belongs_to_its_call(self):
        source = """
            exports.handler = async (context, event) => {
              const { send } = context
              await null
              send('f', event.body)
            }
        """
        with nodejs(source, state="key") as it:
            streams = [it.send(b"x") for _ in range(3)]
            for _ in streams:
                it.next()
            self.assertEqual(sorted(stream for stream, _, _ in it.sends), streams)


class Elsewhere(unittest.TestCase):
    def test_a_worker_that_is_told_where_its_socket_lies_passes_the_same_cases(self):
        for runtime, command in (("python", python_command()), ("nodejs", nodejs_command())):
            for name in ("echo", "big-body", "big-reply", "state-large", "send-large", "prints", "overlap", "drain"):
                folder = os.path.join(CONFORMANCE, name)
                with self.subTest(runtime=runtime, name=name), start(*command, elsewhere=True) as guest:
                    CaseRun(guest, folder, load_case(folder), runtime).run()

    def test_the_function_does_not_see_how_its_worker_connects(self):
        source = "import os\ndef main(p): return [name for name in os.environ if name.startswith('TIDEMILL')]"
        with python(source, elsewhere=True) as it:
            self.assertEqual(it.result().body, b"[]")
        source = "exports.main = () => Object.keys(process.env).filter((name) => name.startsWith('TIDEMILL'))"
        with nodejs(source, elsewhere=True) as it:
            self.assertEqual(it.result().body, b"[]")


if __name__ == "__main__":
    unittest.main()
