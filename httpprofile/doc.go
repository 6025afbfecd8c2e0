// Package httpprofile records a running server from outside, by HTTP:
//
//	mux.Handle("/", httpprofile.Handler())
//
//	PROFSCOPE_DIR=/var/lib/app/profiles app &
//	curl -X POST localhost:8000/start_profile
//	curl -X POST localhost:8000/stop_profile
//
// A folder for the profiles must be named, by PROFSCOPE_DIR or the option Dir, which
// Handler and Middleware each need: it has no default, and without one nothing is
// recorded: start_profile is refused, 503, and a middleware logs that requests are
// not profiled.
//
// What is recorded is the whole process: all its goroutines but those of the
// runtime, with the role process. It shares the recording of the process with
// all scopes that are open.
//
// # Requests
//
// The body of POST /start_profile may be empty, or a JSON object: name (default
// "profile"; each name is a recording of its own, many at once), format (an
// ending that package cprofile knows; default "prof"), duration ("10s": it ends
// by itself), max_bytes (so it does when more than that of execution trace has
// been recorded, which is what a .trace file holds; others are much smaller),
// since ("-30s": what is kept of that time before is in it, see Keep; not in the
// formats that show what happened when).
// Fields that are not known are passed over. A name that is being recorded is a
// conflict, 409, which tells since when and for whom.
//
// POST /stop_profile takes a name, and returns when the file is durable:
//
//	{"name":"profile","state":"done","path":"/var/lib/app/profiles/profile.prof",
//	 "bytes":9533,"elapsed_ns":6368779008,
//	 "states":{"running":1,"runnable":2,"blocked":3,"syscall":4,"unknown":0}}
//
// with the file's path on the server, and the states' nanoseconds, of all
// goroutines together. Asked again it says
// the same, and {"state":"idle"} of a name that was never recorded. A file that
// could not be written is tried again by each stop. Errors are {"error":"..."}.
//
// # Who is answered
//
// Requests that come from the machine itself, by an address, the name localhost
// or one of Hosts, through no proxy and from no page of another origin. Where
// there is a token (PROFSCOPE_TOKEN, or the option Token), those that have it,
// and nobody else. There is no CORS.
//
// # Environment
//
// PROFSCOPE_DIR names the folder of the profiles (required, unless by Dir),
// PROFSCOPE_TOKEN the token, PROFSCOPE_KEEP how much of the past is kept. They are
// read when a handler or a middleware is made. PROFSCOPE=off switches recording
// off.
package httpprofile
