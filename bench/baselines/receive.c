/* What an upload costs at least: each body goes into a file of its own by recv and pwrite, for any number of connections.

   receive PORT DIRECTORY KEEP: with KEEP 1 it does the work of the daemon, so a file has its SHA-256 and is on the disk
   before it is answered. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

struct upload { int socket, file, held; long left, at; EVP_MD_CTX *digest; char head[8192]; };

static char buffer[1 << 18];
static const char answer[] = "HTTP/1.1 204 No Content\r\n\r\n";

/* Write what came; 0 when it was not. */
static int put(struct upload *one, const char *data, long count, int keep)
{
    if (keep)
        EVP_DigestUpdate(one->digest, data, count);
    return pwrite(one->file, data, count, one->at) == count;
}

/* Take what came; 0 when the connection is over. */
static int take(struct upload *one, const char *directory, int keep)
{
    static int files;
    if (one->left == 0) {
        long came = recv(one->socket, one->head + one->held, sizeof one->head - 1 - one->held, 0);
        if (came <= 0)
            return 0;
        one->head[one->held += came] = 0;
        char path[4096], *end = strstr(one->head, "\r\n\r\n"), *length = strcasestr(one->head, "content-length:");
        if (!end || !length)
            return 1;
        snprintf(path, sizeof path, "%s/%d", directory, files++);
        one->file = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0600);
        if (keep)
            EVP_DigestInit_ex(one->digest, EVP_sha256(), 0);
        long came_along = one->head + one->held - (end + 4);
        one->at = one->held = 0;
        if (!put(one, end + 4, came_along, keep))
            return 0;
        one->at = came_along;
        one->left = atol(length + 15) - came_along;
    } else {
        long came = recv(one->socket, buffer, one->left < (long)sizeof buffer ? one->left : (long)sizeof buffer, 0);
        if (came <= 0 || !put(one, buffer, came, keep))
            return 0;
        one->at += came;
        one->left -= came;
    }
    if (one->left == 0) {
        unsigned char digest[EVP_MAX_MD_SIZE];
        if (keep && (!EVP_DigestFinal_ex(one->digest, digest, 0) || fdatasync(one->file)))
            return 0;
        close(one->file);
        return send(one->socket, answer, sizeof answer - 1, MSG_NOSIGNAL) > 0;
    }
    return 1;
}

int main(int count, char **words)
{
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int listener = socket(AF_INET, SOCK_STREAM, 0), poll = epoll_create1(0), yes = 1;
    if (count != 4)
        return 2;
    here.sin_port = htons(atoi(words[1]));
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(listener, (struct sockaddr *)&here, sizeof here) || listen(listener, 128))
        return 1;
    struct epoll_event event = {.events = EPOLLIN}, events[64];
    epoll_ctl(poll, EPOLL_CTL_ADD, listener, &event);
    for (;;) {
        int ready = epoll_wait(poll, events, 64, -1);
        for (int at = 0; at < ready; at++) {
            struct upload *one = events[at].data.ptr;
            if (!one) {
                one = calloc(1, sizeof *one);
                one->socket = accept(listener, 0, 0);
                one->digest = EVP_MD_CTX_new();
                event.data.ptr = one;
                epoll_ctl(poll, EPOLL_CTL_ADD, one->socket, &event);
            } else if (!take(one, words[2], atoi(words[3]))) {
                close(one->socket);
                EVP_MD_CTX_free(one->digest);
                free(one);
            }
        }
    }
}
