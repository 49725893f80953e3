// Waits to be asked to end, as the pause image of a cluster and an idle program do.
#include <signal.h>
#include <unistd.h>

static void end(int signal) {
	(void)signal;
	_exit(0);
}

int main(void) {
	signal(SIGTERM, end);
	for (;;)
		pause();
}
