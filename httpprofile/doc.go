// Package httpprofile records a running server from outside, by HTTP: all of
// its goroutines, while it serves.
package httpprofile
