package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/google/pprof/profile"
)

// lossInFolded tells what of p folded stacks cannot hold, "" if nothing: they
// are one number for each stack of names.
func lossInFolded(p *profile.Profile, sampleType string) string {
	if sampleType == "" {
		sampleType = p.DefaultSampleType
	}
	if sampleType == "" && len(p.SampleType) > 0 {
		sampleType = p.SampleType[len(p.SampleType)-1].Type
	}
	var types []string
	for _, t := range p.SampleType {
		if t.Type != sampleType {
			types = append(types, t.Type)
		}
	}
	labels := make(map[string]bool)
	for _, s := range p.Sample {
		for k := range s.Label {
			labels[k] = true
		}
		for k := range s.NumLabel {
			labels[k] = true
		}
	}
	var lost []string
	if len(types) > 0 {
		lost = append(lost, "the sample types "+strings.Join(types, ", "))
	}
	if len(labels) > 0 {
		lost = append(lost, "the labels "+strings.Join(slices.Sorted(maps.Keys(labels)), ", "))
	}
	if len(lost) == 0 {
		return ""
	}
	return fmt.Sprintf("folded stacks hold %s alone: %s are not in them", sampleType, strings.Join(lost, " and "))
}
