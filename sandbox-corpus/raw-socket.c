// Opens a socket for packets of its own making. outside: root
#include "attempt.h"

int main(void) { return socket(INTERNET, RAW, 1) >= 0 ? escaped("opened") : held(); }
