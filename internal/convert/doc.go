// Package convert opens what a user holds, whatever tool wrote it, and makes
// of it what the user wants: another format, a table, a comparison. It needs
// no running recording, and a program that records links nothing of it.
package convert
