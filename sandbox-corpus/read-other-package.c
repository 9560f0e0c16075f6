// Reads another function's package.
#include "attempt.h"

int main(void) { return read_joined(variable("CORPUS_OTHER_PACKAGE"), "/", "secret"); }
