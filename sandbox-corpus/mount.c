// Mounts over its scratch space, and takes that away again. outside: root
#include "attempt.h"

int main(void) {
    const char *place = variable("CORPUS_TMP");
    if (mount("none", place, "tmpfs", 0, NULL) != 0) {
        return held();
    }
    umount(place);
    return escaped("mounted");
}
