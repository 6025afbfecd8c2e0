//go:build unix

package dest

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

func symlink(t *testing.T, to, link string) {
	t.Helper()
	if err := os.Symlink(to, link); err != nil {
		t.Fatal(err)
	}
}

func TestSymlinks(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		make func(t *testing.T, dir string) // links "link" to real/x.prof
	}{
		{"relative", func(t *testing.T, dir string) { symlink(t, "real/x.prof", dir+"/link") }},
		{"absolute", func(t *testing.T, dir string) { symlink(t, dir+"/real/x.prof", dir+"/link") }},
		{"chain", func(t *testing.T, dir string) {
			symlink(t, "hop/l2", dir+"/link")
			symlink(t, "../l3", dir+"/hop/l2")
			symlink(t, dir+"/real/x.prof", dir+"/l3")
		}},
		// ".." after a linked folder is the parent of where the link leads.
		{"through a folder's link", func(t *testing.T, dir string) {
			if err := os.Mkdir(dir+"/real/deep", 0o700); err != nil {
				t.Fatal(err)
			}
			symlink(t, "../real/deep", dir+"/hop/folder")
			symlink(t, "hop/folder/../x.prof", dir+"/link")
		}},
	} {
		for _, dangling := range []bool{false, true} {
			t.Run(c.name, func(t *testing.T) {
				t.Parallel()
				dir := t.TempDir()
				for _, d := range []string{"real", "hop"} {
					if err := os.Mkdir(filepath.Join(dir, d), 0o700); err != nil {
						t.Fatal(err)
					}
				}
				c.make(t, dir)
				target := filepath.Join(dir, "real/x.prof")
				if !dangling {
					if err := os.WriteFile(target, []byte("old"), 0o644); err != nil {
						t.Fatal(err)
					}
				}
				link := filepath.Join(dir, "link")
				if err := Check(link); err != nil {
					t.Fatal(err)
				}
				if err := put(link, "new"); err != nil {
					t.Fatal(err)
				}
				fi, err := os.Lstat(link)
				if err != nil || fi.Mode()&fs.ModeSymlink == 0 {
					t.Fatalf("the link is gone: %v, %v", fi, err)
				}
				if fi, err := os.Lstat(target); err != nil || !fi.Mode().IsRegular() {
					t.Fatalf("%v, %v", fi, err)
				}
				wantFile(t, target, "new")
			})
		}
	}
}

func TestSymlinkToMissingFolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	symlink(t, "not/yet/x.prof", dir+"/link")
	if err := put(dir+"/link", "new"); err != nil {
		t.Fatal(err)
	}
	wantFile(t, dir+"/not/yet/x.prof", "new")
}

func TestSymlinkLoops(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	symlink(t, "self", dir+"/self")
	symlink(t, "b", dir+"/a")
	symlink(t, "a", dir+"/b")
	symlink(t, ".", dir+"/folder")
	for _, name := range []string{"self", "a", "self/x.prof"} {
		for _, err := range []error{Check(dir + "/" + name), put(dir+"/"+name, "new")} {
			wantError(t, err, "open", ErrLoop)
		}
	}
	wantError(t, put(dir+"/folder", "new"), "open", ErrFolder)
	wantOnly(t, dir, "a", "b", "folder", "self")
}

func TestModeKept(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, mode := range []fs.FileMode{0o600, 0o644, 0o666, 0o640, 0o400, 0o755} {
		name := filepath.Join(dir, mode.String())
		if err := os.WriteFile(name, []byte("old"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(name, mode); err != nil {
			t.Fatal(err)
		}
		if err := put(name, "new"); err != nil {
			t.Fatal(err)
		}
		fi, err := os.Stat(name)
		if err != nil || fi.Mode() != mode {
			t.Errorf("mode %v became %v, %v", mode, fi.Mode(), err)
		}
	}
	if os.Geteuid() == 0 {
		name := filepath.Join(dir, "theirs")
		if err := os.WriteFile(name, nil, 0o640); err != nil {
			t.Fatal(err)
		}
		if err := os.Chown(name, 12345, 54321); err != nil {
			t.Fatal(err)
		}
		if err := put(name, "new"); err != nil {
			t.Fatal(err)
		}
		fi, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if st := fi.Sys().(*syscall.Stat_t); st.Uid != 12345 || st.Gid != 54321 || fi.Mode() != 0o640 {
			t.Errorf("owner %d:%d mode %v", st.Uid, st.Gid, fi.Mode())
		}
	}
}

func TestPermission(t *testing.T) {
	t.Parallel()
	if os.Geteuid() == 0 {
		t.Skip("root may write anywhere; TestReadOnlyMount covers it")
	}
	dir := t.TempDir()
	name := filepath.Join(dir, "x.prof")
	if err := put(name, "old"); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o500); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Chmod(dir, 0o700) })
	wantError(t, Check(name), "check", fs.ErrPermission)
	wantError(t, put(name, "new"), "create", fs.ErrPermission)
	wantError(t, put(dir+"/sub/x.prof", "new"), "make folder", fs.ErrPermission)
	wantFile(t, name, "old")
}

func TestDevices(t *testing.T) {
	t.Parallel()
	if err := Check("/dev/null"); err != nil {
		t.Error(err)
	}
	if err := put("/dev/null", "gone"); err != nil {
		t.Error(err)
	}
	if fi, err := os.Stat("/dev/null"); err != nil || fi.Mode()&fs.ModeCharDevice == 0 {
		t.Fatalf("/dev/null is now %v, %v", fi, err)
	}
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip(err)
	}
	link := filepath.Join(t.TempDir(), "link")
	symlink(t, "/dev/full", link)
	for _, name := range []string{"/dev/full", link} {
		wantError(t, put(name, "x"), "write", syscall.ENOSPC)
		wantError(t, put(name, string(make([]byte, 3*holdBytes))), "write", syscall.ENOSPC)
	}
	w, err := Open("/dev/full")
	if err != nil {
		t.Fatal(err)
	}
	w.Write([]byte("never tried"))
	if err := w.Abort(); err != nil {
		t.Error(err)
	}
}

func TestSocket(t *testing.T) {
	t.Parallel()
	dir, err := os.MkdirTemp("", "s") // a socket's name is short
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(fd)
	if err := syscall.Bind(fd, &syscall.SockaddrUnix{Name: dir + "/s"}); err != nil {
		t.Fatal(err)
	}
	if err := put(dir+"/s", "x"); !errors.Is(err, ErrKind) {
		t.Errorf("%v", err)
	}
	wantOnly(t, dir, "s")
}
