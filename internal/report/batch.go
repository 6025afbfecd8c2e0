package report

import "sync"

// atOnce is how many files are written at a time. What takes the time is the
// disk, which brings several to safety in hardly more than it needs for one.
const atOnce = 8

// WriteAll writes each destination as Write does and returns their errors, in
// the same order. Tables on stdout come in that order too.
func (e *Engine) WriteAll(ds []*Destination, openToo, final bool) []error {
	errs := make([]error, len(ds))
	var files []int
	for i, d := range ds {
		if !d.stdout {
			files = append(files, i)
		}
	}
	if len(files) > 2 { // fewer are not worth the goroutines
		next := make(chan int)
		var wg sync.WaitGroup
		for range min(atOnce, len(files)) {
			wg.Go(func() {
				for i := range next {
					errs[i] = e.Write(ds[i], openToo, final)
				}
			})
		}
		for _, i := range files {
			next <- i
		}
		close(next)
		wg.Wait()
	} else {
		for _, i := range files {
			errs[i] = e.Write(ds[i], openToo, final)
		}
	}
	for i, d := range ds {
		if d.stdout {
			errs[i] = e.Write(d, openToo, final)
		}
	}
	return errs
}
