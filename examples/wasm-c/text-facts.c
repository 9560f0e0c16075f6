// Text in, what can be said of it out, as JSON. A command: the body is stdin, stdout is the reply, stderr the log.
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

int main(void) {
    long bytes = 0, lines = 0, words = 0, longest = 0, length = 0;
    int byte, in_word = 0;
    while ((byte = getchar()) != EOF) {
        bytes++;
        length = byte == '\n' ? 0 : length + 1;
        longest = length > longest ? length : longest;
        lines += byte == '\n';
        words += !isspace(byte) && !in_word;
        in_word = !isspace(byte);
    }
    if (bytes == 0) {
        fputs("there is no text\n", stderr);
        return 1;
    }
    const char *method = getenv("NUCLIO_EVENT_METHOD");
    fprintf(stderr, "read %ld bytes of a %s\n", bytes, method ? method : "?");
    printf("{\"bytes\": %ld, \"lines\": %ld, \"words\": %ld, \"longest_line\": %ld}\n", bytes, lines, words, longest);
    return 0;
}
