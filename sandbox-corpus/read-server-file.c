// Reads a file of the server by its path.
#include "attempt.h"

int main(void) { return read_file(variable("CORPUS_SERVER_FILE")); }
