"""Finding and importing the function that HELLO names.

``handler`` is ``module.sub:function``, ``module``, ``function`` or empty. What is left out is looked for: the module
among the files of the directory, the function among the module's own names. When nothing fits, the error says what was
found and what to write.
"""

import importlib
import importlib.util
import inspect
import os
import site
import sys
import time

_FILES = ("main", "handler", "new_module", "function", "app")
_FUNCTIONS = ("handler", "main")
_NOT_HANDLERS = frozenset(["init_context"])


class HandlerNotFound(LookupError):
    """No function to run; the message says what to do."""

    __module__ = "builtins"


def enter(hello):
    """Takes on the environment, directory and module paths of HELLO."""
    os.environ.clear()
    os.environ.update({str(name): str(value) for name, value in (hello.get("env") or {}).items()})
    if hasattr(time, "tzset"):
        time.tzset()
    directory = hello["directory"]
    os.chdir(directory)
    own = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    paths = [directory, *(hello.get("paths") or [])]
    rest = [path for path in sys.path if path not in paths and os.path.isabs(path)]
    # `python -m` puts the directory it was started in first; it is the host's, not the function's
    if rest and rest[0] != own and own in rest[1:]:
        rest = rest[1:]
    sys.path[:] = paths + rest
    for path in paths[1:]:
        if os.path.isdir(path):
            site.addsitedir(path)  # for its .pth files
    importlib.invalidate_caches()


def load(hello):
    """``(module, function, name)``. Raises ``HandlerNotFound`` and whatever importing the module raises."""
    directory = hello["directory"]
    wanted = hello.get("handler") or ""
    name = (hello.get("function") or "").replace("-", "_")
    module_name, _, function_name = wanted.partition(":")
    if module_name.endswith(".py"):
        module_name = module_name[:-3].replace("/", ".")
    if module_name and not function_name and not _exists(module_name, directory):
        module_name, function_name = "", module_name
    if not module_name:
        module_name = _find_module(directory, name)
    module = _import(module_name, directory)
    if function_name:
        function = getattr(module, function_name, None)
        if not callable(function):
            raise HandlerNotFound(
                f"module {module_name} has no function {function_name}; {_found(module)}; "
                f"set handler to {module_name}:<function>"
            )
        return module, function, function_name
    function_name = _find_function(module, module_name, name)
    return module, getattr(module, function_name), function_name


def _file_of(module_name, directory):
    path = os.path.join(directory, *module_name.split("."))
    for candidate in (path + ".py", os.path.join(path, "__init__.py")):
        if os.path.isfile(candidate):
            return candidate
    return None


def _exists(module_name, directory):
    if _file_of(module_name, directory):
        return True
    try:
        spec = importlib.util.find_spec(module_name)
    except (ImportError, ValueError):
        return False
    # a module of the standard library is hardly what `handler: queue` means
    return spec is not None and module_name.partition(".")[0] not in sys.modules


def _find_module(directory, name):
    found = sorted(
        entry[:-3]
        for entry in os.listdir(directory)
        if entry.endswith(".py") and not entry.startswith((".", "__")) and entry != "setup.py"
    )
    if len(found) == 1:
        return found[0]
    for candidate in (*_FILES, name):
        if candidate in found:
            return candidate
    if not found:
        raise HandlerNotFound("the package has no .py file at its root; set handler to <module>:<function>")
    raise HandlerNotFound(
        f"several modules could hold the handler ({', '.join(found)}); set handler to <module>:<function>"
    )


def _import(module_name, directory):
    file = _file_of(module_name, directory)
    if file is None or "." in module_name or module_name not in sys.modules:
        return importlib.import_module(module_name)
    # The user's module bears the name of one that is loaded already, `email.py` say: both shall live.
    alias = f"tidemill_function_{module_name}"
    spec = importlib.util.spec_from_file_location(alias, file)
    module = importlib.util.module_from_spec(spec)
    sys.modules[alias] = module
    spec.loader.exec_module(module)
    return module


def _own_functions(module):
    return [
        name
        for name, value in vars(module).items()
        if inspect.isfunction(value)
        and value.__module__ == module.__name__
        and not name.startswith("_")
        and name not in _NOT_HANDLERS
    ]


def _find_function(module, module_name, name):
    for candidate in (*_FUNCTIONS, name):
        if callable(getattr(module, candidate, None)):
            return candidate
    own = _own_functions(module)
    if len(own) == 1:
        return own[0]
    raise HandlerNotFound(
        f"no function to run in module {module_name}: {_found(module)}; name it handler or main, "
        f"or set handler to {module_name}:<function>"
    )


def _found(module):
    own = _own_functions(module)
    return f"it defines {', '.join(own)}" if own else "it defines no public function"
