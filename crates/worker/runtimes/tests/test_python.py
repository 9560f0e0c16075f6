"""Corners of the Python worker that no conformance case covers."""

import os
import signal
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from corners import Worker
from guest import CANCEL, ERROR, EVENT, FAILED, REPLY, python_command, start


def worker(source, **hello):
    files = source if isinstance(source, dict) else {"function.py": source}
    return Worker(python_command(), files, **hello)


class Loading(unittest.TestCase):
    def test_a_module_may_bear_the_name_of_a_loaded_one(self):
        source = """
            import pickle
            class Thing: pass
            def handler(context, event):
                import email.message
                return type(pickle.loads(pickle.dumps(Thing()))).__name__ + email.message.Message.__name__
        """
        with worker({"json.py": source}) as it:
            self.assertEqual(it.result().body, b"ThingMessage")

    def test_the_module_is_chosen_among_several(self):
        files = {"main.py": "from lib.deep import value\ndef main(payload): return value", "lib/deep.py": "value = 'deep'"}
        with worker({**files, "other.py": "raise RuntimeError"}) as it:
            self.assertEqual(it.result().body, b"deep")

    def test_no_choice_among_several_names_them(self):
        with worker({"one.py": "", "two.py": ""}) as it:
            self.assertEqual(it.loaded.kind, FAILED)
            self.assertIn("one, two", it.loaded.meta["message"])

    def test_handlers_are_named_in_many_ways(self):
        files = {"main.py": "def first(p): return 'first'\ndef second(p): return 'second'", "pkg/sub.py": "def third(p): return 'third'"}
        named = {"main:first": b"first", "second": b"second", "main.py:second": b"second", "pkg.sub:third": b"third", "pkg.sub": b"third"}
        for handler, body in named.items():
            with self.subTest(handler), worker(files, handler=handler) as it:
                self.assertEqual(it.result().body, body)

    def test_a_function_is_found_by_the_functions_own_name(self):
        with worker("def help_me(x): pass\ndef word_count(text): return len(text.split())", function="word-count") as it:
            self.assertEqual(it.result(b"a b c").body, b"3")

    def test_a_syntax_error_shows_the_line(self):
        with worker("def handler(context, event)\n    pass\n") as it:
            self.assertEqual((it.loaded.kind, it.loaded.meta["type"]), (FAILED, "SyntaxError"))
            self.assertIn("line 1", it.loaded.meta["traceback"])
            self.assertEqual(it.guest.wait(), 1)

    def test_exit_while_loading_is_a_failure(self):
        with worker("raise SystemExit(0)") as it:
            self.assertEqual((it.loaded.kind, it.loaded.meta["type"]), (FAILED, "SystemExit"))

    def test_paths_are_searched_and_the_hosts_folder_is_not(self):
        source = "import sys, os\ndef main(p): return [os.getcwd() == sys.path[0], sys.path[1], any(not p for p in sys.path)]"
        with worker(source, paths=["/nowhere/site-packages"]) as it:
            self.assertEqual(it.result().body, b'[true,"/nowhere/site-packages",false]')


class Contracts(unittest.TestCase):
    def check(self, source, body, expected, content_type="application/json"):
        with worker(source) as it:
            self.assertEqual(it.result(body, content_type).body, expected)

    def test_decorated_handlers_without_names(self):
        source = """
            def wrap(inner):
                def wrapper(*args, **kwargs):
                    return inner(*args, **kwargs)
                return wrapper
            @wrap
            def handler(context, event):
                return event.method
        """
        with worker(source, handler="handler") as it:
            self.assertEqual(it.result(method="PATCH").body, b"PATCH")

    def test_context_and_event_by_their_names(self):
        self.check("def anything(ctx, event): return event.content_type", b"x", b"text/x", "text/x")

    def test_a_payload_function_may_ask_for_the_context(self):
        self.check("def add(a, b, context): return [a + b, context.worker_id]", b'{"a":1,"b":2}', b'[3,"w-1"]')
        self.check("def one(payload, context): return [payload, context.worker_id]", b'{"a":1}', b'[{"a":1},"w-1"]')

    def test_keyword_parameters(self):
        self.check("def f(**named): return named", b'{"a":1}', b'{"a":1}')
        self.check("def f(*values): return values", b"[1,2]", b"[1,2]")
        self.check("def f(*, a, b=2): return a + b", b'{"a":1}', b"3")

    def test_an_instance_and_a_partial_as_handler(self):
        self.check("class H:\n    async def __call__(self, context, event): return 'h'\nhandler = H()", b"", b"h")
        self.check("import functools\ndef f(x, y): return x + y\nmain = functools.partial(f, 1)", b"2", b"3")

    def test_an_ordinary_function_may_return_an_awaitable(self):
        self.check("import asyncio\nasync def f(): return 'a'\ndef handler(context, event): return f()", b"", b"a")

    def test_a_batch_of_payloads(self):
        with worker("def main(payloads): return [p * 2 for p in payloads]") as it:
            it.guest.send(EVENT, 1, {"batch": [{"id": "a", "size": 1}, {"id": "b", "size": 2}]}, b"121")
            frame = it.next()
            self.assertEqual(frame.body, b"242")
            self.assertEqual([m["event_id"] for m in frame.meta["batch"]], ["a", "b"])

    def test_event_and_sdk_members(self):
        source = """
            import nuclio_sdk, json
            def handler(context, event):
                assert isinstance(event, nuclio_sdk.Event)
                assert event.headers["X-A"] == event.headers.get("x-a") == event.get_header("X-a") == "1"
                assert "X-A" in event.headers and event.headers.get("none") is None
                assert json.loads(event.to_json())["path"] == "/p"
                assert not hasattr(event, "nonsense")
                offset = nuclio_sdk.QualifiedOffset.from_event(event)
                assert offset.compile_explicit_ack_message() == event.compile_explicit_ack_message()
                again = nuclio_sdk.Event.deserialize({"body": b"{}", "content_type": "application/json", "timestamp": 0})
                assert again.body == {} and again.timestamp.year == 1970
                context.Response().ensure_no_ack()
                return "ok"
        """
        with worker(source) as it:
            frame = it.outcome(b"", "text/plain", path="/p", headers={"x-a": "1"})
            self.assertEqual((frame.kind, frame.body), (REPLY, b"ok"), frame.meta)


    def test_a_header_may_be_a_list(self):
        source = """
            def handler(context, event):
                return context.Response(headers={"Set-Cookie": ["a=1", "b=2"], "X-N": (1, True), "X-One": b"x"})
        """
        with worker(source) as it:
            headers = {"Set-Cookie": ["a=1", "b=2"], "X-N": ["1", "true"], "X-One": "x"}
            self.assertEqual(it.result().meta["headers"], headers)


class Trouble(unittest.TestCase):
    def test_results_that_cannot_be_sent(self):
        source = """
            def handler(context, event):
                kind = event.body.decode()
                if kind == "surrogate": return "\\ud800"
                if kind == "headers": return context.Response(headers={"x": "y" * 17_000_000})
                if kind == "generator": return (x for x in "ab")
                if kind == "type": return context.Response(content_type=3)
                return "fine"
        """
        with worker(source) as it:
            for kind, error in {b"surrogate": "UnicodeEncodeError", b"headers": "FrameTooLarge", b"generator": "TypeError", b"type": "TypeError"}.items():
                self.assertEqual(it.error(kind)["type"], error)
            self.assertEqual(it.result(b"").body, b"fine")

    def test_exceptions_of_every_kind(self):
        source = """
            class Mute(Exception):
                def __str__(self): raise RuntimeError
            ERRORS = {"memory": MemoryError(), "key": KeyboardInterrupt(), "mute": Mute(), "lines": ValueError("a\\nb"), "base": BaseException("x")}
            def handler(context, event):
                raise ERRORS[event.body.decode()]
        """
        with worker(source) as it:
            self.assertIn("out of memory", it.error(b"memory")["message"])
            self.assertEqual(it.error(b"key")["type"], "KeyboardInterrupt")
            self.assertEqual(it.error(b"mute")["type"], "Mute")
            self.assertEqual(it.error(b"lines")["message"], "a\nb")
            self.assertEqual(it.error(b"base")["message"], "x")
            self.assertEqual(it.drain(), 0)

    def test_chained_tracebacks_keep_the_users_frames(self):
        source = """
            def inner(): return {}["missing"]
            def main(payload):
                try: inner()
                except KeyError as error: raise ValueError("outer") from error
        """
        with worker(source) as it:
            traceback = it.error()["traceback"]
        self.assertIn("inner", traceback)
        self.assertIn("direct cause", traceback)
        self.assertNotIn("blocking.py", traceback)

    def test_children_do_not_disturb_the_frames(self):
        source = """
            import os, subprocess, sys, multiprocessing
            def child(): print("from a process")
            def handler(context, event):
                if os.fork() == 0:
                    print("from a fork")
                    os._exit(0)
                os.wait()
                process = multiprocessing.get_context("fork").Process(target=child)
                process.start(); process.join()
                subprocess.run(["sh", "-c", "echo from sh; echo fds $(ls /proc/self/fd | wc -w)"], stdout=sys.stdout, check=True)
                os.write(1, b"raw\\n")
                print("mine")
                return "ok"
        """
        with worker(source) as it:
            self.assertEqual(it.result().body, b"ok")
            self.assertEqual(it.logs, [(1, "info", "mine")])
            text = it.guest.text()
            for line in ("from a fork", "from a process", "from sh", "raw"):
                self.assertIn(line + "\n", text)
            self.assertEqual(it.drain(), 0)

    def test_printing_finalizers_and_threads(self):
        source = """
            import gc, threading
            class Loud:
                def __del__(self): print("gone")
            def handler(context, event):
                for _ in range(50):
                    loud = Loud(); loud.me = loud
                del loud
                gc.collect()
                threads = [threading.Thread(target=lambda: [print("t") for _ in range(50)]) for _ in range(4)]
                [t.start() for t in threads]; [t.join() for t in threads]
                return "ok"
        """
        with worker(source) as it:
            self.assertEqual(it.result().body, b"ok")
            said = [message for _, _, message in it.logs]
            self.assertEqual(len(said), 250)
            self.assertEqual((said.count("t"), said.count("gone")), (200, 50))

    def test_threads_call_functions_at_once(self):
        source = """
            import nuclio_sdk
            from concurrent.futures import ThreadPoolExecutor
            def handler(context, event):
                def ask(n): return context.platform.call_function("f", nuclio_sdk.Event(body=str(n))).body.decode()
                with ThreadPoolExecutor(4) as pool:
                    return "".join(pool.map(ask, range(8)))
        """
        with worker(source) as it:
            self.assertEqual(it.result().body, b"01234567")
            self.assertEqual(it.result().body, b"01234567")

    def test_async_handlers_may_call_functions_in_three_ways(self):
        source = """
            import asyncio, nuclio_sdk
            async def handler(context, event):
                ask = lambda: context.platform.call_function("f", nuclio_sdk.Event(body=event.body)).body.decode()
                loop = asyncio.get_running_loop()
                third = await context.platform.call_function_async("f", nuclio_sdk.Event(body="c"))
                return ask() + await loop.run_in_executor(None, ask) + third.body.decode()
        """
        # a call from a plain executor thread belongs to the only open call
        with worker(source) as it:
            self.assertEqual(it.result(b"x").body, b"xxc")

    def test_a_call_that_is_not_answered_in_time(self):
        source = """
            import nuclio_sdk
            def handler(context, event):
                context.platform.call_function("f", nuclio_sdk.Event(), timeout=0.05)
        """
        with worker(source) as it:
            it.answer = lambda meta, body: ({"call": 99}, b"")
            self.assertEqual(it.error()["type"], "TimeoutError")

    def test_exit_in_a_task_of_the_functions_own(self):
        source = """
            import asyncio
            async def bad(): raise SystemExit(1)
            async def handler(context, event):
                asyncio.ensure_future(bad())
                await asyncio.sleep(0.01)
                return "ok"
        """
        with worker(source) as it:
            self.assertEqual(it.result().body, b"ok")
            self.assertEqual(it.result().body, b"ok")


class Life(unittest.TestCase):
    def test_a_spare_worker_leaves_when_the_host_is_gone(self):
        with start(*python_command()) as guest:
            guest.socket.close()
            self.assertEqual(guest.wait(), 0)

    def test_an_idle_and_an_async_worker_leave_when_the_host_is_gone(self):
        for source in ("def main(p): pass", "async def main(p): pass"):
            with worker(source) as it:
                it.guest.socket.close()
                self.assertEqual(it.guest.wait(), 0)

    def test_ctrl_c_is_ignored(self):
        with worker("def main(p): return 'on'") as it:
            os.kill(it.guest.pid, signal.SIGINT)
            self.assertEqual(it.result().body, b"on")

    def test_frames_may_come_in_pieces(self):
        with worker("def main(p): return p") as it:
            data = it.guest.encode(EVENT, 1, {"content_type": "text/plain"}, b"bit by bit")
            for position in range(len(data)):
                it.guest.socket.sendall(data[position : position + 1])
            self.assertEqual(it.next().body, b"bit by bit")

    def test_a_large_reply_does_not_hold_memory(self):
        with worker("def main(size): return 'x' * size") as it:
            self.assertEqual(len(it.result(b"33554432", "application/json").body), 33554432)
            self.assertEqual(it.result(b"1", "application/json").body, b"x")
            self.assertLessEqual(os.fstat(it.guest.outgoing).st_size, 8 * 1024 * 1024)

    def test_drain_waits_for_open_calls_and_cancelled_calls_answer(self):
        source = """
            import asyncio
            gate = None
            async def handler(context, event):
                global gate
                gate = gate or asyncio.Event()
                if event.body == b"open": gate.set()
                await gate.wait()
                return "done"
        """
        with worker(source) as it:
            it.send(b"wait")
            cancelled = it.send(b"wait")
            it.guest.send(CANCEL, cancelled, {"reason": "enough"})
            self.assertEqual((it.next().kind, it.stream), (ERROR, cancelled))
            it.send(b"open")
            it.guest.send(4, 0, {})
            self.assertEqual(sorted((it.next().body, it.next().body)), [b"done", b"done"])
            self.assertIsNone(it.next())
            self.assertEqual(it.guest.wait(), 0)

    def test_exit_functions_run_and_threads_do_not_hold_the_worker(self):
        source = """
            import atexit, threading
            atexit.register(print, "at exit")
            def main(p):
                threading.Thread(target=threading.Event().wait).start()
                return "ok"
        """
        with worker(source) as it:
            self.assertEqual(it.result().body, b"ok")
            self.assertEqual(it.drain(), 0)
            self.assertIn((0, "info", "at exit"), it.logs)


if __name__ == "__main__":
    unittest.main()
