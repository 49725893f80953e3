#define _GNU_SOURCE

#include "signals.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <unistd.h>

enum { INTERNAL = 125 }; // codeInternal of runner.go

// end needs nothing of the process: the guest may spin, hold any lock, or be in the middle of anything.
static void end(int signal) { _exit(128 + signal); }

static bool ends(int signal) {
	return signal == SIGTERM || signal == SIGINT || signal == SIGHUP || signal == SIGQUIT;
}

static bool is_fault(int signal) {
	return signal == SIGSEGV || signal == SIGBUS || signal == SIGFPE || signal == SIGILL || signal == SIGABRT;
}

// Go's own handlers of the faults, which make panics of those in Go code and report the others, and of the signals that end a process.
static struct sigaction go[NSIG];

// fault is asked last: Wasmtime's handler, installed later, stands before it and takes the faults that are the guest's traps.
// What somebody sent with kill(2) is no fault: for pid 1 nothing happens, as for any init that has no handler, and another
// process dies.
static void fault(int signal, siginfo_t *info, void *context) {
	if (info->si_code <= 0 && info->si_pid != getpid()) {
		if (getpid() != 1)
			_exit(128 + signal);
	} else if (signal == SIGABRT) {
		// A panic inside Wasmtime, which has said why on the standard error.
		static const char message[] = "wasmgo: internal error, please report it: abort\n";
		ssize_t written = write(2, message, sizeof message - 1);
		(void)written;
		_exit(INTERNAL);
	} else {
		go[signal].sa_sigaction(signal, info, context);
	}
}

void signals_catch(void) {
	for (int signal = 1; signal < NSIG; signal++) {
		struct sigaction action = {.sa_handler = SIG_DFL};
		if (ends(signal)) {
			sigaction(signal, NULL, &go[signal]);
			action.sa_handler = end;
			action.sa_flags = SA_ONSTACK | SA_RESTART;
			sigfillset(&action.sa_mask);
		} else if (is_fault(signal)) {
			sigaction(signal, NULL, &go[signal]);
			action = go[signal];
			action.sa_sigaction = fault;
		} else if (signal == SIGPIPE) {
			// A write to a closed pipe is EPIPE to the guest, which may handle it.
			action.sa_handler = SIG_IGN;
		}
		// Refused for SIGKILL, SIGSTOP and the two real-time signals glibc keeps to itself; Go has left those alone too.
		sigaction(signal, &action, NULL);
	}
}

void signals_release(void) {
	sigaction(SIGTERM, &go[SIGTERM], NULL);
	sigaction(SIGINT, &go[SIGINT], NULL);
}

static volatile sig_atomic_t interrupt_event = -1;

static void interrupt(int signal) {
	(void)signal;
	static const uint64_t one = 1;
	int before = errno;
	ssize_t written = write(interrupt_event, &one, sizeof one);
	(void)written; // full is as good
	errno = before;
}

void signals_interrupts(int event) {
	struct sigaction action = {.sa_handler = interrupt, .sa_flags = SA_ONSTACK | SA_RESTART};
	interrupt_event = event;
	sigfillset(&action.sa_mask);
	sigaction(SIGINT, &action, NULL);
}
