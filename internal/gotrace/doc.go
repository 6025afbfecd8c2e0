// Package gotrace reads Go execution traces from files: of any version that
// golang.org/x/exp/trace reads, of the whole process, with tasks and regions
// as scopes, reports and timelines. The running program's own recording is read
// by package wire, so that who links cprofile does not pay for this one.
package gotrace
