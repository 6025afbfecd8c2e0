module github.com/profscope/profscope

go 1.26.0

require (
	github.com/HdrHistogram/hdrhistogram-go v1.4.0
	github.com/natefinch/atomic v1.0.1
	golang.org/x/sys v0.49.0
	golang.org/x/term v0.47.0
)
