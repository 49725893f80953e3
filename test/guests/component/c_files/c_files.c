// Does with the directory it is given what a C library can do with one, and says the first thing that did not go as it ought to.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static void fail(int line, const char *what) {
	printf("line %d: %s: %s\n", line, what, strerror(errno));
	exit(1);
}
#define must(what) ((what) ? (void)0 : fail(__LINE__, #what))
#define refused(call, code) must((call) < 0 && errno == (code))

static void contents(void) {
	char b[16] = {0};
	int fd = open("a", O_CREAT | O_EXCL | O_RDWR, 0644);
	must(fd >= 0);
	refused(open("a", O_CREAT | O_EXCL | O_RDWR, 0644), EEXIST);
	must(write(fd, "hello world", 11) == 11);
	must(lseek(fd, 6, SEEK_SET) == 6 && read(fd, b, sizeof b) == 5 && !strcmp(b, "world"));
	must(pwrite(fd, "HE", 2, 0) == 2 && pread(fd, b, 5, 0) == 5 && !strcmp(b, "HEllo"));
	must(lseek(fd, 0, SEEK_END) == 11 && write(fd, "!", 1) == 1);
	must(ftruncate(fd, 5) == 0);
	struct stat st;
	must(fstat(fd, &st) == 0 && st.st_size == 5 && S_ISREG(st.st_mode) && st.st_nlink == 1);
	must(fsync(fd) == 0 && fdatasync(fd) == 0 && posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL) == 0);
	must(close(fd) == 0);
	fd = open("a", O_WRONLY | O_APPEND);
	must(fd >= 0 && write(fd, "++", 2) == 2 && close(fd) == 0);
	fd = open("a", O_RDONLY);
	struct iovec v[2] = {{b, 3}, {b + 8, 8}};
	must(fd >= 0 && readv(fd, v, 2) >= 3 && !memcmp(b, "HEl", 3));
	must(write(fd, "x", 1) < 0);
	must(close(fd) == 0);
	fd = open("a", O_WRONLY | O_TRUNC);
	must(fd >= 0 && fstat(fd, &st) == 0 && st.st_size == 0 && close(fd) == 0);
}

static void directories(void) {
	must(mkdir("d", 0755) == 0);
	refused(mkdir("d", 0755), EEXIST);
	refused(open("d/none", O_RDONLY), ENOENT);
	refused(open("a/b", O_RDONLY), ENOTDIR);
	char name[32];
	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof name, "d/%d", i);
		int fd = open(name, O_CREAT | O_WRONLY, 0644);
		must(fd >= 0 && close(fd) == 0);
	}
	DIR *dir = opendir("d");
	must(dir);
	int seen = 0;
	for (struct dirent *e; (e = readdir(dir));)
		seen += e->d_type == DT_REG && strcmp(e->d_name, ".") && strcmp(e->d_name, "..");
	must(closedir(dir) == 0 && seen == 100);
	refused(rmdir("d"), ENOTEMPTY);
	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof name, "d/%d", i);
		must(unlink(name) == 0);
	}
	must(rmdir("d") == 0);
}

static void names(void) {
	struct stat st, other;
	char b[16] = {0};
	must(rename("a", "b") == 0);
	refused(stat("a", &st), ENOENT);
	must(link("b", "c") == 0 && stat("b", &st) == 0 && stat("c", &other) == 0 && st.st_ino == other.st_ino && st.st_nlink == 2);
	must(symlink("b", "s") == 0 && readlink("s", b, sizeof b) == 1 && b[0] == 'b');
	must(lstat("s", &st) == 0 && S_ISLNK(st.st_mode) && stat("s", &st) == 0 && S_ISREG(st.st_mode));
	refused(open("s", O_RDONLY | O_NOFOLLOW), ELOOP);
	must(symlink("loop", "loop") == 0);
	refused(open("loop", O_RDONLY), ELOOP);
	struct timespec times[2] = {{.tv_sec = 1000000, .tv_nsec = 5000}, {.tv_sec = 2000000, .tv_nsec = 7000}};
	must(utimensat(AT_FDCWD, "b", times, 0) == 0 && stat("b", &st) == 0);
	must(st.st_atim.tv_sec == 1000000 && st.st_mtim.tv_sec == 2000000 && st.st_mtim.tv_nsec == 7000);
	must(unlink("b") == 0 && unlink("c") == 0 && unlink("s") == 0 && unlink("loop") == 0);
	refused(unlink("b"), ENOENT);
}

int main(int argc, char **argv) {
	must(argc == 2 && chdir(argv[1]) == 0);
	contents();
	directories();
	names();
	puts("files work");
	return 0;
}
