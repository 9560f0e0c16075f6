// Reads the key that the server seals secrets with.
#include "attempt.h"

int main(void) { return read_file(variable("CORPUS_SERVER_KEY")); }
