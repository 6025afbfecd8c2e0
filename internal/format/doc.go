// Package format turns a ledger into bytes, one format a file: [Pprof] for
// `go tool pprof` and everything that reads its files, [Table] for people.
//
// It does not know where the bytes go, whether a terminal is behind the
// writer, or where the ledger came from. The same ledger gives the same bytes.
// Functions only read the ledger; calls may run at once as long as nobody
// writes to it.
package format
