# A profile in the manner of Docker's and containerd's default ones. To compile it (package apparmor):
#   apparmor_parser -Q -K -T --kernel-features /etc/apparmor.d/abi/3.0 -o wasmgo-test.policy wasmgo-test.profile
profile wasmgo-test flags=(attach_disconnected,mediate_deleted) {
  network,
  capability,
  file,
  umount,
  signal (receive) peer=unconfined,
  signal (send,receive) peer=wasmgo-test,
  deny /forbidden/** w,
  deny mount,
}
