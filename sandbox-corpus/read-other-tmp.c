// Reads what another function has put into its scratch space.
#include "attempt.h"

int main(void) { return read_joined(variable("CORPUS_OTHER_TMP"), "/", "secret"); }
