// Package llm is a small decoder of the kind that inference servers run: a
// few layers of attention and matrix work with a cache of keys and values, a
// scheduler that batches requests continuously, and a pool of workers. Its
// weights are random, so that it says nothing of sense, but it computes all
// that a trained one of its size would.
package llm

import (
	"math"
	"math/rand/v2"
)

// Config is the shape of a [Model]. The zero Config is the default: 2 layers,
// width 128, 4 heads.
type Config struct {
	Layers, Width, Heads int
	Seed                 uint64
}

// Model holds the weights. It is not changed by use, so any number of
// goroutines may share it.
type Model struct {
	heads  int
	embed  matrix // a row for each token; also turns the last state into logits
	layers []layer
}

type layer struct {
	query, key, value, output matrix
	gate, up, down            matrix
}

// matrix is row-major; a row is one output.
type matrix struct {
	cols int
	data []float32
}

// NewModel makes a model with random weights: the same seed, the same model.
func NewModel(c Config) *Model {
	if c.Layers == 0 {
		c.Layers = 2
	}
	if c.Width == 0 {
		c.Width = 128
	}
	if c.Heads == 0 {
		c.Heads = 4
	}
	rnd := rand.New(rand.NewPCG(c.Seed, 1))
	random := func(rows, cols int) matrix {
		m := matrix{cols, make([]float32, rows*cols)}
		scale := 1 / math.Sqrt(float64(cols)) // keeps the length of a state
		for i := range m.data {
			m.data[i] = float32(rnd.NormFloat64() * scale)
		}
		return m
	}
	m := &Model{heads: c.Heads, embed: random(VocabularySize(), c.Width)}
	hidden := 3 * c.Width
	for range c.Layers {
		m.layers = append(m.layers, layer{
			query: random(c.Width, c.Width), key: random(c.Width, c.Width), value: random(c.Width, c.Width),
			output: random(c.Width, c.Width),
			gate:   random(hidden, c.Width), up: random(hidden, c.Width), down: random(c.Width, hidden),
		})
	}
	return m
}

// Forward puts one token after those that the cache holds, and returns the
// logits of the token that follows. The cache belongs to the caller alone.
func (m *Model) Forward(token int, c *Cache) []float32 {
	width := m.embed.cols
	state := make([]float32, width)
	copy(state, m.embed.data[token*width:(token+1)*width])
	for i := range m.layers {
		l := &m.layers[i]
		add(state, m.attend(l, &c.layers[i], normalized(state), c.length))
		x := normalized(state)
		gate, up := l.gate.times(x), l.up.times(x)
		for j, g := range gate { // SwiGLU
			up[j] *= g / (1 + float32(math.Exp(float64(-g))))
		}
		add(state, l.down.times(up))
	}
	c.length++
	return m.embed.times(normalized(state))
}

// attend lets the newest token look at all before it.
func (m *Model) attend(l *layer, c *layerCache, x []float32, position int) []float32 {
	q, k, v := l.query.times(x), l.key.times(x), l.value.times(x)
	size := len(q) / m.heads
	for h := range m.heads {
		rotate(q[h*size:(h+1)*size], position)
		rotate(k[h*size:(h+1)*size], position)
	}
	c.keys = append(c.keys, k)
	c.values = append(c.values, v)
	mixed := make([]float32, len(q))
	weights := make([]float32, len(c.keys))
	for h := range m.heads {
		from, to := h*size, (h+1)*size
		for i, key := range c.keys {
			weights[i] = dot(q[from:to], key[from:to]) / float32(math.Sqrt(float64(size)))
		}
		softmax(weights)
		for i, value := range c.values {
			w := weights[i]
			for j := from; j < to; j++ {
				mixed[j] += w * value[j]
			}
		}
	}
	return l.output.times(mixed)
}

func (m matrix) times(x []float32) []float32 {
	out := make([]float32, len(m.data)/m.cols)
	for i := range out {
		out[i] = dot(m.data[i*m.cols:(i+1)*m.cols], x)
	}
	return out
}

func dot(a, b []float32) float32 {
	var s0, s1, s2, s3 float32
	b = b[:len(a)]
	i := 0
	for ; i+4 <= len(a); i += 4 {
		s0 += a[i] * b[i]
		s1 += a[i+1] * b[i+1]
		s2 += a[i+2] * b[i+2]
		s3 += a[i+3] * b[i+3]
	}
	for ; i < len(a); i++ {
		s0 += a[i] * b[i]
	}
	return s0 + s1 + s2 + s3
}

func add(to, x []float32) {
	for i, v := range x {
		to[i] += v
	}
}

// normalized is x at a root mean square of one.
func normalized(x []float32) []float32 {
	scale := float32(1 / math.Sqrt(float64(dot(x, x))/float64(len(x))+1e-6))
	out := make([]float32, len(x))
	for i, v := range x {
		out[i] = v * scale
	}
	return out
}

// rotate turns each pair of x by an angle that grows with the position, so
// that attention sees how far two tokens are apart.
func rotate(x []float32, position int) {
	for i := 0; i+1 < len(x); i += 2 {
		angle := float64(position) * math.Pow(10_000, -float64(i)/float64(len(x)))
		sin, cos := math.Sincos(angle)
		a, b := float64(x[i]), float64(x[i+1])
		x[i], x[i+1] = float32(a*cos-b*sin), float32(a*sin+b*cos)
	}
}

func softmax(x []float32) {
	largest := x[0]
	for _, v := range x {
		largest = max(largest, v)
	}
	var sum float32
	for i, v := range x {
		x[i] = float32(math.Exp(float64(v - largest)))
		sum += x[i]
	}
	for i := range x {
		x[i] /= sum
	}
}

// Cache holds the keys and values of one sequence.
type Cache struct {
	length int
	layers []layerCache
}

type layerCache struct{ keys, values [][]float32 }

// NewCache returns an empty cache for m.
func (m *Model) NewCache() *Cache { return &Cache{layers: make([]layerCache, len(m.layers))} }

// Sample draws a token from logits at a temperature; 0 takes the likeliest.
func Sample(logits []float32, temperature float64, rnd *rand.Rand) int {
	if temperature <= 0 {
		best := 0
		for i, v := range logits {
			if v > logits[best] {
				best = i
			}
		}
		return best
	}
	for i := range logits {
		logits[i] /= float32(temperature)
	}
	softmax(logits)
	left := rnd.Float32()
	for i, p := range logits {
		if left -= p; left < 0 {
			return i
		}
	}
	return len(logits) - 1
}
