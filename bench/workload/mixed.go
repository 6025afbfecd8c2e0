package workload

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const (
	mixedClients  = 8
	mixedAccounts = 64
	mixedItems    = 80      // of an order: some 6 KiB of JSON, there and back
	mixedLogEvery = 16      // requests to a line in the file
	mixedLogSize  = 1 << 20 // then the file is written over from its start
)

// Mixed is a server as there are many: keep-alive connections over loopback,
// JSON both ways, one lock that all requests take, and a file that some of
// them write under that lock. Clients and server share the process. A request
// is given some work, as most servers have: of bare requests, two cores do
// 33,000 a second with 1.1 million trace events, and measure the scheduler.
// This one makes about 360,000 events a second.
type Mixed struct {
	server *http.Server
	client *http.Client
	url    string

	seq atomic.Int64

	// A server has a heap. Without one the collector would run a hundred
	// times a second, and most of what is measured would be its noise.
	cache [][]byte

	mu       sync.Mutex
	accounts map[string]int64
	log      *os.File
	offset   int64

	lengths [mixedClients][]time.Duration
}

type order struct {
	Account string `json:"account"`
	Items   []item `json:"items"`
}

type item struct {
	SKU    string   `json:"sku"`
	Amount int64    `json:"amount"`
	Price  float64  `json:"price"`
	Tags   []string `json:"tags"`
}

type receipt struct {
	Account string `json:"account"`
	Balance int64  `json:"balance"`
	Items   []item `json:"items"`
}

func newMixed(dir string) (Load, error) { return NewMixed(dir, nil) }

// NewMixed makes the workload mixed, its handler behind what wrap makes of it.
func NewMixed(dir string, wrap func(http.Handler) http.Handler) (*Mixed, error) {
	log, err := os.Create(filepath.Join(dir, "mixed.log"))
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	m := &Mixed{
		accounts: make(map[string]int64),
		log:      log,
		url:      "http://" + l.Addr().String() + "/order",
		client:   &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: mixedClients}},
	}
	for range 64 << 10 {
		m.cache = append(m.cache, make([]byte, 256))
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /order", m.serve)
	m.server = &http.Server{Handler: mux}
	if wrap != nil {
		m.server.Handler = wrap(mux)
	}
	go m.server.Serve(l)
	return m, nil
}

func (m *Mixed) Close() error {
	m.client.CloseIdleConnections()
	m.server.Close()
	return m.log.Close()
}

func (m *Mixed) serve(w http.ResponseWriter, r *http.Request) {
	var o order
	if err := json.NewDecoder(r.Body).Decode(&o); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	balance, err := m.book(o)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(receipt{o.Account, balance, o.Items})
}

func (m *Mixed) book(o order) (int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, it := range o.Items {
		m.accounts[o.Account] += it.Amount
	}
	balance := m.accounts[o.Account]
	if m.seq.Add(1)%mixedLogEvery != 0 {
		return balance, nil
	}
	n, err := m.log.WriteAt(fmt.Appendf(nil, "%s %d %d\n", o.Account, len(o.Items), balance), m.offset)
	m.offset = (m.offset + int64(n)) % mixedLogSize
	return balance, err
}

func (m *Mixed) Run(d time.Duration) int64 {
	end := newDeadline(d)
	done := make([]padded, mixedClients)
	var wg sync.WaitGroup
	for i := range mixedClients {
		wg.Go(func() {
			m.lengths[i] = m.lengths[i][:0]
			for n, more := 0, true; more; n, more = n+1, !end.past.Load() {
				begin := time.Now()
				// A failed request would be a cheap one: it must not count.
				if err := m.order(i, n); err == nil {
					done[i].n++
					m.lengths[i] = append(m.lengths[i], time.Since(begin))
				}
			}
		})
	}
	wg.Wait()
	return sum(done)
}

// Lengths returns how long each request of the last Run took, seen from its
// client.
func (m *Mixed) Lengths() []time.Duration { return slices.Concat(m.lengths[:]...) }

func (m *Mixed) order(client, n int) error {
	o := order{Account: fmt.Sprint("account-", (client*7+n)%mixedAccounts)}
	for i := range mixedItems {
		o.Items = append(o.Items, item{
			SKU:    fmt.Sprintf("sku-%08d", n+i),
			Amount: int64(i),
			Price:  float64(n%1000) / 4,
			Tags:   []string{"bench", "loopback"},
		})
	}
	body, err := json.Marshal(o)
	if err != nil {
		return err
	}
	resp, err := m.client.Post(m.url, "application/json", bytes.NewReader(body))
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	var r receipt
	if err := json.NewDecoder(resp.Body).Decode(&r); err != nil {
		return err
	}
	// The connection is used again only if the body was read to its end.
	_, err = io.Copy(io.Discard, resp.Body)
	return err
}
