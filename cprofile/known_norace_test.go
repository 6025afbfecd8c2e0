//go:build !race

package cprofile_test

// scopesAtOnce is how many scopes TestIsolation opens at once.
const scopesAtOnce = 2000
