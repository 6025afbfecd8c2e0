package httpprofile

import (
	"log/slog"
	"net/http"
	"os"
	"time"

	"github.com/profscope/profscope/cprofile"
	"github.com/profscope/profscope/internal/session"
)

// Option changes what [Handler] and [Middleware] do.
type Option func(*config)

type config struct {
	dir    string
	token  string
	keep   string // a duration
	hosts  []string
	limits Limits
	log    *slog.Logger

	// The middleware's.
	always  bool
	timing  bool
	route   func(*http.Request) string
	profile []cprofile.Option
}

// Limits bound what a client can ask for. A field that is 0 stands for its
// default.
type Limits struct {
	Recordings  int           // at once; 256
	Duration    time.Duration // of one, also of one that names none; 1 h
	FolderBytes int64         // of all files in the folder; 1 GiB
	BodyBytes   int64         // of a request's body; 4 MiB, for a whole completion request is one
	Scrape      time.Duration // of /debug/pprof/profile and its like; 10 min
}

func (l *Limits) setDefaults() {
	if l.Recordings <= 0 {
		l.Recordings = 256
	}
	if l.Duration <= 0 {
		l.Duration = time.Hour
	}
	if l.FolderBytes <= 0 {
		l.FolderBytes = 1 << 30
	}
	if l.BodyBytes <= 0 {
		l.BodyBytes = 4 << 20
	}
	if l.Scrape <= 0 {
		l.Scrape = 10 * time.Minute
	}
}

func newConfig(opts []Option) *config {
	c := &config{dir: os.Getenv("PROFSCOPE_DIR"), token: os.Getenv("PROFSCOPE_TOKEN"), keep: os.Getenv("PROFSCOPE_KEEP"), log: slog.Default()}
	for _, set := range opts {
		if set != nil {
			set(c)
		}
	}
	c.limits.setDefaults()
	if c.keep != "" {
		d, err := time.ParseDuration(c.keep)
		if err != nil || d < 0 {
			c.log.Error("profscope: PROFSCOPE_KEEP is no duration, and nothing is kept", "value", c.keep)
		}
		session.Keep(d)
	}
	return c
}

// Dir names the folder of the profiles, instead of PROFSCOPE_DIR: one of both is
// required. Who wants it for [Handler] and [Middleware] gives it to both: neither
// knows of the other's options. It is made when it is first needed, for its owner
// alone.
func Dir(path string) Option { return func(c *config) { c.dir = path } }

// Token requires "Authorization: Bearer t" of every request, instead of
// PROFSCOPE_TOKEN. Without either, only requests from the machine itself are
// answered.
func Token(t string) Option { return func(c *config) { c.token = t } }

// Hosts are names, beside localhost and addresses, by which requests without a
// token may call the server: any other name could be one that a web page has
// led to this machine.
func Hosts(names ...string) Option {
	return func(c *config) { c.hosts = append(c.hosts, names...) }
}

// Keep keeps the last d of the process's execution trace, instead of
// PROFSCOPE_KEEP, so that a recording may begin before it was asked for ("since"),
// and the middleware writes slow requests (cprofile.SlowerThan) that came while
// nothing was recorded; of the requests between recordings, cprofile.OnCall is given
// those alone, and a file of what happened when (Also("x.trace")) has none. It is for the life of the process, and holds its
// FlightRecorder, its CPU profile, and up to 64 MiB: in a busy server that may be
// less than d. 0 keeps nothing.
func Keep(d time.Duration) Option { return func(c *config) { c.keep = d.String() } }

// Limit sets limits.
func Limit(l Limits) Option { return func(c *config) { c.limits = l } }

// Logger is where a recording's start, stop and failure are logged, a line
// each, instead of slog.Default. What the server fails in is of slog.LevelError;
// what a client may not have (a name that is being recorded, one recording too many),
// of slog.LevelInfo.
func Logger(l *slog.Logger) Option { return func(c *config) { c.log = l } }
