//go:build unix && !linux && !darwin

package stub

func quietly(int) {}
