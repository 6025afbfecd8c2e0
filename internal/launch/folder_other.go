//go:build !unix

package launch

func sessionFolder() (string, error) { return "", ErrPlatform }

func checkSocketPath(string) error { return ErrPlatform }
