#include "signals.h"

#include <signal.h>
#include <stddef.h>
#include <unistd.h>

// end needs nothing of the process: the guest may spin, hold any lock, or be in the middle of anything.
static void end(int signal) { _exit(128 + signal); }

void signals_catch(void) {
	static const int ending[] = {SIGTERM, SIGINT, SIGHUP, SIGQUIT};
	// Go has put handlers on all of these. A container's init has none: the kernel drops them for pid 1 in a pid namespace of
	// its own, and does its default elsewhere.
	static const int plain[] = {
		SIGUSR1, SIGUSR2,   SIGALRM, SIGVTALRM, SIGPROF, SIGIO,    SIGPWR, SIGSTKFLT, SIGWINCH,
		SIGCHLD, SIGTSTP,   SIGTTIN, SIGTTOU,   SIGCONT, SIGURG,   SIGXCPU, SIGXFSZ,
	};
	struct sigaction action = {.sa_handler = end, .sa_flags = SA_ONSTACK | SA_RESTART};
	sigfillset(&action.sa_mask);
	for (size_t i = 0; i < sizeof ending / sizeof *ending; i++)
		sigaction(ending[i], &action, NULL);
	action = (struct sigaction){.sa_handler = SIG_DFL};
	for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
		sigaction(plain[i], &action, NULL);
	// A write to a closed pipe is EPIPE to the guest, which may handle it.
	action.sa_handler = SIG_IGN;
	sigaction(SIGPIPE, &action, NULL);
}
