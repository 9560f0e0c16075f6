// Asks for a way to the address where clouds keep the credentials of a machine. Sends nothing.
#include "attempt.h"

int main(void) {
    unsigned char address[16];
    address_of("169.254.169.254:80", address);
    int asked = socket(INTERNET, DATAGRAM, 0);
    if (asked < 0 || connect(asked, (const void *)address, sizeof address) != 0) {
        return held();
    }
    return escaped("there is a way");
}
