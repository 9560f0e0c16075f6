// Opens a system program for writing; writes nothing. outside: root
#include "attempt.h"

int main(void) { return fopen("/usr/bin/env", "r+") != NULL ? escaped("opened") : held(); }
