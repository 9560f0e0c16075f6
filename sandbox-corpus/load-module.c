// Hands the kernel a module, which is none. outside: root
#include "attempt.h"

int main(void) {
    init_module("no module", 9, "");
    switch (errno) {
    case ENOSYS:
        puts("ABSENT this kernel has no modules");
        return 0;
    case EPERM:
        return held();
    default:
        return escaped("the kernel looked at it");
    }
}
