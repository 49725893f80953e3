// Signal dispositions of a process that runs a guest.

// signals_catch makes SIGTERM, SIGINT, SIGHUP and SIGQUIT end the process at once with 128 + their number, and gives all other
// signals that are not faults the action Linux gives them by default.
void signals_catch(void);
