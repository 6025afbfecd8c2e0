package main

import (
	"context"
	"fmt"
	"strings"
)

// A scenario is one question. drive runs in the parent and has measurements
// made, by work in fresh processes; a scenario without work borrows another's.
type scenario struct {
	name  string
	title string
	about string // how to read its tables
	once  bool   // rounds do not apply
	drive func(context.Context, *lab) ([]table, error)
	work  func(spec) (reading, error)
}

// scenarios is a function because drivers refer to the list themselves.
func scenarios() []scenario {
	return []scenario{
		overheadScenario, parkedScenario, stepdownScenario, startScenario, stopScenario,
		handleScenario, funcScenario, hotScenario, manyScenario, serverScenario, launchScenario, binaryScenario, formatsScenario,
	}
}

func scenarioNames() (names []string) {
	for _, s := range scenarios() {
		names = append(names, s.name)
	}
	return names
}

func findScenario(name string) (scenario, error) {
	for _, s := range scenarios() {
		if s.name == name {
			return s, nil
		}
	}
	return scenario{}, fmt.Errorf("no scenario %q: there are %s", name, strings.Join(scenarioNames(), ", "))
}

// findScenarios returns those of a list with commas, in the order of the
// report, or all for an empty list.
func findScenarios(list string) ([]scenario, error) {
	if list == "" {
		return scenarios(), nil
	}
	names := strings.Split(list, ",")
	for _, name := range names {
		if _, err := findScenario(name); err != nil {
			return nil, err
		}
	}
	var found []scenario
	for _, s := range scenarios() {
		if has(names, s.name) {
			found = append(found, s)
		}
	}
	return found, nil
}
