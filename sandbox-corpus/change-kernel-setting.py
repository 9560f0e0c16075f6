# Opens a setting of the kernel for writing; writes nothing. outside: root
try:
    open("/proc/sys/kernel/core_pattern", "r+b").close()
    print("ESCAPED opened")
except OSError as error:
    print("HELD", error)
