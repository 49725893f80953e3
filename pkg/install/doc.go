// Package install puts wasmgo on a host with containerd, and takes it away again.
//
//	Install                                      Uninstall
//	program in its place, tried out              refused while containers of wasmgo exist
//	new configuration beside the old one         marker
//	  containerd reads it: the same as before,   files of the configuration
//	  and the handler?                             containerd reads it? if not, put back
//	marker: containerd has to be restarted       restart
//	files of the configuration                   marker away
//	  containerd reads it? if not, put back      program, data
//	restart; answers? if not, put back, restart
//	marker away
//
// Each file is replaced in one step, so a host that loses power, or an installer that is killed, leaves each as it was or as it shall be; the
// next run does what is missing. The marker is a file that says that a restart is due: by its content alone a configuration does
// not tell whether containerd has read it.
//
// As of containerd 2 the handler is a file of its own in the drop-in directory, and the main file gets an import of it if need be. In
// containerd 1 a plugin's table in an imported file takes the place of the one in the main file as a whole, so there the handler is a
// block at the end of the main file. Both are undone to the byte.
package install
