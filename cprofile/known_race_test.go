//go:build race

package cprofile_test

// scopesAtOnce is fewer where every memory access is watched: that is for
// races, and takes ten times as long.
const scopesAtOnce = 400
