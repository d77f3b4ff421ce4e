package cloudwatch

import (
	"cmp"
	"slices"
	"strconv"
)

// maxValues is how many different values of a minute are kept as they are. A
// further one is kept to three digits, so that a percentile of many values is
// off by at most half a percent, and a minute holds at most 900 of them for each
// power of ten.
const maxValues = 128

// summary is what a minute comes to.
type summary struct {
	Sum    float64 `json:"sum"`
	Count  float64 `json:"count"`
	Min    float64 `json:"min"`
	Max    float64 `json:"max"`
	Values []seen  `json:"values,omitempty"` // in order; statistic sets have none
}

// seen is a value and how often it was there.
type seen [2]float64

// add takes a value that was seen count times.
func (s *summary) add(value, count float64) {
	s.take(summary{Sum: value * count, Count: count, Min: value, Max: value})
	i, known := s.find(value)
	if !known && len(s.Values) >= maxValues {
		value = rounded(value)
		i, known = s.find(value)
	}
	if known {
		s.Values[i][1] += count
		return
	}
	s.Values = slices.Insert(s.Values, i, seen{value, count})
}

func (s *summary) find(value float64) (int, bool) {
	return slices.BinarySearchFunc(s.Values, value, func(e seen, v float64) int { return cmp.Compare(e[0], v) })
}

// take adds another summary, without its values.
func (s *summary) take(other summary) {
	if s.Count == 0 {
		s.Min, s.Max = other.Min, other.Max
	}
	s.Sum += other.Sum
	s.Count += other.Count
	s.Min, s.Max = min(s.Min, other.Min), max(s.Max, other.Max)
}

// rounded is a number to three digits.
func rounded(value float64) float64 {
	short, err := strconv.ParseFloat(strconv.FormatFloat(value, 'e', 2, 64), 64)
	if err != nil { // it would be too large
		return value
	}
	return short
}

// merged are the values of all runs, in order. A value of two of them is there
// twice.
func merged(runs [][]seen) []seen {
	switch len(runs) {
	case 0:
		return nil
	case 1:
		return runs[0]
	}
	left, right := merged(runs[:len(runs)/2]), merged(runs[len(runs)/2:])
	all := make([]seen, 0, len(left)+len(right))
	for len(left) > 0 && len(right) > 0 {
		if left[0][0] <= right[0][0] {
			all, left = append(all, left[0]), left[1:]
		} else {
			all, right = append(all, right[0]), right[1:]
		}
	}
	return append(append(all, left...), right...)
}
