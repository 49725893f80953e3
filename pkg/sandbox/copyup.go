package sandbox

func copyUp(tree, target int) error { return nil }
