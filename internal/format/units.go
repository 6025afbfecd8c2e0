package format

import (
	"math"
	"strconv"
)

// unit is what a whole column is measured in: a reader compares magnitudes by
// looking down, which a unit that changes from line to line defeats.
type unit struct {
	name  string
	nanos float64
}

var units = []unit{{"h", 3600e9}, {"s", 1e9}, {"ms", 1e6}, {"µs", 1e3}, {"ns", 1}}

// columnUnit returns the largest unit in which most, the column's largest
// value, is at least 10: so a hundredth of the unit is still a thousandth of
// the column, and nothing has more than four digits before the point.
func columnUnit(most int64) unit {
	for _, u := range units {
		if float64(most) >= 10*u.nanos {
			return u
		}
	}
	return units[len(units)-1]
}

// in writes ns in the unit u; exactly nothing is a point, so that it does not
// distract from what is there.
func (u unit) in(ns int64) string {
	if ns == 0 {
		return "."
	}
	if u.nanos == 1 {
		return strconv.FormatInt(ns, 10)
	}
	return threeDigits(float64(ns)/u.nanos, 2)
}

// percent writes part of whole without the sign, to a tenth.
func percent(part, whole int64) string {
	if part == 0 || whole == 0 {
		return "."
	}
	if part == whole {
		return "100"
	}
	return threeDigits(100*float64(part)/float64(whole), 1)
}

// threeDigits writes v > 0 with three significant digits, but never more than
// decimals behind the point (a column of 612 gains nothing from 0.00123) and
// never fewer digits than the whole number has.
func threeDigits(v float64, decimals int) string {
	if least := math.Pow10(-decimals) / 2; v < least {
		return "<" + strconv.FormatFloat(2*least, 'f', decimals, 64)
	}
	for d := decimals; d > 0; d-- {
		// 99.97 becomes 100 and not 100.0: the digits count after rounding. And
		// 99.72 stays 99.7: it is not all.
		if r := math.Pow10(d); math.Round(v*r)/r < math.Pow10(3-d) {
			return strconv.FormatFloat(v, 'f', d, 64)
		}
	}
	return strconv.FormatFloat(v, 'f', 0, 64)
}

// duration writes one length of time in a sentence, with a unit of its own.
func duration(ns int64) string {
	if ns == 0 {
		return "0 s"
	}
	u := units[len(units)-1]
	for _, c := range units {
		// From 9,995 upwards a value would need a fifth digit.
		if float64(ns) >= c.nanos*0.9995 && (c.name != "h" || float64(ns) >= 9999.5e9) {
			u = c
			break
		}
	}
	return u.in(ns) + " " + u.name
}
