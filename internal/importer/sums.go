package importer

import (
	"errors"
	"fmt"
	"math"

	"github.com/google/pprof/profile"
)

// ErrSums is the error for values that cannot be added up. Each alone is
// possible; a sum that wraps would be a figure like any other, and wrong.
var ErrSums = errors.New("up to here the values add up to more than 9223372036854775807")

// sums add up how large the values of each kind are. While they fit, the sum of
// any of the values does, whatever their signs: so that what adds them up later,
// by function, by label or all, needs no check.
type sums []uint64

func (s *sums) add(values ...int64) error {
	for len(*s) < len(values) {
		*s = append(*s, 0)
	}
	for i, v := range values {
		size := uint64(v)
		if v < 0 {
			size = -size // that of the smallest is right, too
		}
		if size > math.MaxInt64-(*s)[i] {
			return ErrSums
		}
		(*s)[i] += size
	}
	return nil
}

// Summable returns an error if the values of the profiles, all together, cannot
// be added up.
func Summable(ps ...*profile.Profile) error {
	var s sums
	for _, p := range ps {
		for i, x := range p.Sample {
			if err := s.add(x.Value...); err != nil {
				return fmt.Errorf("sample %d: %w", i+1, err)
			}
		}
	}
	return nil
}
