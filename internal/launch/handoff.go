package launch

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
)

// HandoffVerb is the hidden verb by which go run -exec hands over what it has
// built. The go command keeps it in its cache and would print "exit status 3"
// and end with 1 where the program ends with 3: so it builds and holds, and
// the program is ours to start.
const HandoffVerb = "__handoff"

type handoff struct {
	Argv []string
	Dir  string
}

// Handoff is the hidden verb: it tells the launcher's socket what go run would
// start, and where, and returns when the program has ended.
func Handoff(socket string, argv []string) error {
	dir, err := os.Getwd()
	if err != nil {
		return err
	}
	c, err := net.Dial("unix", socket)
	if err != nil {
		return fmt.Errorf("hand over to the launcher: %w", err)
	}
	defer c.Close()
	if err := json.NewEncoder(c).Encode(handoff{argv, dir}); err != nil {
		return fmt.Errorf("hand over to the launcher: %w", err)
	}
	_, err = io.Copy(io.Discard, c) // until the launcher closes, or has gone
	return err
}
