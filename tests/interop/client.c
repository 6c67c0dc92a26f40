/*
 * A client of an upper-case echo server on TCP, in C.
 *
 *     cc -o client client.c && ./client HOST PORT
 *
 * Sends lines without waiting for replies, in pieces of odd sizes, ends its sending side, and reads to
 * the end. Says nothing and exits with 0 if every byte came back as it should.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { SIZE = 60000 };

static void die(const char *what) {
  perror(what);
  exit(1);
}

int main(int argc, char **argv) {
  if (argc != 3) return fprintf(stderr, "usage: client HOST PORT\n"), 2;
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[2]))};
  if (inet_pton(AF_INET, argv[1], &address.sin_addr) != 1) die("inet_pton");
  struct timeval limit = {.tv_sec = 10};

  for (int round = 0; round < 50; round++) {
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0) die("socket");
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) < 0) die("connect");

    static unsigned char sent[SIZE], got[SIZE + 1];
    for (int i = 0; i < SIZE; i++) sent[i] = (unsigned char)(i * 7 + round + (i >> 8));
    for (int at = 0, piece = 1; at < SIZE; piece = piece * 3 % 4099 + 1) {
      size_t n = piece < SIZE - at ? (size_t)piece : (size_t)(SIZE - at);
      ssize_t written = send(fd, sent + at, n, MSG_NOSIGNAL);
      if (written < 0) die("send");
      at += (int)written;
    }
    if (shutdown(fd, SHUT_WR) < 0) die("shutdown");

    int total = 0;
    for (ssize_t n = 1; n > 0; total += (int)n) {
      n = recv(fd, got + total, (size_t)(SIZE + 1 - total), 0);
      if (n < 0) die("recv");
      if (total + n > SIZE) return fprintf(stderr, "round %d: more came back than was sent\n", round), 1;
    }
    if (total != SIZE) return fprintf(stderr, "round %d: %d bytes came back\n", round, total), 1;
    for (int i = 0; i < SIZE; i++) {
      unsigned char wanted = sent[i] < 128 ? (unsigned char)toupper(sent[i]) : sent[i];
      if (got[i] != wanted) return fprintf(stderr, "round %d: byte %d is wrong\n", round, i), 1;
    }
    close(fd);
  }
  return 0;
}
