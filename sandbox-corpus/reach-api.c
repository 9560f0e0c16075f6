// Calls the API of the server over the loopback, without a token.
#include "attempt.h"

int main(void) {
    static const char request[] = "GET /v1/functions HTTP/1.0\r\nhost: localhost\r\n\r\n";
    unsigned char address[16];
    char answer[16] = {0};
    address_of(variable("CORPUS_API"), address);
    int api = socket(INTERNET, STREAM, 0);
    if (api < 0 || connect(api, (const void *)address, sizeof address) != 0) {
        return held();
    }
    if (write(api, request, sizeof request - 1) < 0 || read(api, answer, sizeof answer - 1) <= 0) {
        return held();
    }
    answer[strcspn(answer, "\r\n")] = 0;
    return escaped(answer);
}
