# Makes a user namespace by the system calls of an older machine, which have other numbers and another door.
import ctypes
import mmap
import os
import signal

NEWUSER = (0x10000000).to_bytes(4, "little")
# push rbx; mov eax, 310 (unshare); mov ebx, NEWUSER; int 0x80; pop rbx; ret
CODE = b"\x53\xb8\x36\x01\x00\x00\xbb" + NEWUSER + b"\xcd\x80\x5b\xc3"
if os.uname().machine != "x86_64":
    print("ABSENT this machine has no older one")
    raise SystemExit
child = os.fork()
if child == 0:
    memory = mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    memory.write(CODE)
    call = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(memory)))
    os._exit(min(-call(), 255))
_, status = os.waitpid(child, 0)
code = os.waitstatus_to_exitcode(status)
if code == 0:
    print("ESCAPED made")
elif code in (-signal.SIGSEGV, 38):
    print("ABSENT" if "CORPUS_OUTSIDE" in os.environ else "HELD", "this kernel has no such door")
else:
    print("HELD", signal.Signals(-code).name if code < 0 else os.strerror(code))
